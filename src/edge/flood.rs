//! The flood guard in front of every route that reaches a Durable Object: Cloudflare's rate-limit binding
//! (<https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>), a counter of its own per address
//! and per place Cloudflare serves from. The limit and its period stand with the binding in `wrangler.toml`.

use crate::flood::counted_as;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Env, Request, console_error};

/// The name of the binding.
pub const BINDING: &str = "FLOOD_LIMITER";

/// Whether this request is one too many from its client's address. None is where there is no such binding (workerd on
/// its own) or no address; a counter that fails turns nobody away.
pub async fn is_flood(request: &Request, env: &Env) -> bool {
    // Set by Cloudflare, which lets no client set it.
    let Some(address) = request.headers().get("cf-connecting-ip").ok().flatten() else { return false };
    let Some(limiter) = member(env.as_ref(), BINDING).filter(JsValue::is_object) else { return false };
    let zone = request.headers().get("cf-worker").ok().flatten();
    count(&limiter, &counted_as(&address, zone.as_deref())).await.unwrap_or_else(|error| {
        console_error!("the flood guard does not count: {error:?}");
        false
    })
}

/// `limiter.limit({key})`: whether it is one too many. By hand: `worker::RateLimiter` would bring a serializer that
/// nothing else here uses.
async fn count(limiter: &JsValue, key: &str) -> Result<bool, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"key".into(), &key.into())?;
    let limit: Function = Reflect::get(limiter, &"limit".into())?.dyn_into()?;
    let outcome: Promise = limit.call1(limiter, &options)?.dyn_into()?;
    let outcome = JsFuture::from(outcome).await?;
    Ok(member(&outcome, "success").and_then(|success| success.as_bool()) == Some(false))
}

fn member(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &JsValue::from_str(name)).ok()
}
