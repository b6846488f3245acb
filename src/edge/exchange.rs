//! One exchange with Redis over HTTP, by the platform's `fetch`. By hand: an HTTP client around it would be a thirtieth
//! of the bundle.

use futures_util::future::{Either, select};
use js_sys::{Object, Promise, Reflect, Uint8Array};
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{AbortController, AbortSignal, Delay};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &str, init: &web_sys::RequestInit) -> Result<Promise, JsValue>;
}

/// Posts JSON and returns the answer's status and body, both within `timeout`.
///
/// # Errors
/// What went wrong, without the URL, which names a deployment's database.
pub async fn post(
    url: &str,
    token: &str,
    body: Vec<u8>,
    timeout: Duration,
) -> Result<(u16, Vec<u8>), &'static str> {
    let abort = AbortController::default();
    let exchange = Box::pin(exchange(url, token, body, abort.signal()));
    match select(exchange, Delay::from(timeout)).await {
        Either::Left((answer, _)) => answer.map_err(|_| "connection failed"),
        Either::Right(_) => {
            abort.abort();
            Err("timed out")
        }
    }
}

async fn exchange(
    url: &str,
    token: &str,
    body: Vec<u8>,
    signal: AbortSignal,
) -> Result<(u16, Vec<u8>), JsValue> {
    let headers = Object::new();
    Reflect::set(&headers, &"authorization".into(), &format!("Bearer {token}").into())?;
    Reflect::set(&headers, &"content-type".into(), &"application/json".into())?;
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&Uint8Array::from(body.as_slice()));
    drop(body);
    init.set_signal(Some(&*signal));
    let response: web_sys::Response = JsFuture::from(fetch(url, &init)?).await?.unchecked_into();
    let bytes = JsFuture::from(response.array_buffer()?).await?;
    Ok((response.status(), Uint8Array::new(&bytes).to_vec()))
}
