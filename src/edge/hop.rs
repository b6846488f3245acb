//! The hop from the worker to a Durable Object: one request, one deadline.

use crate::buffer::wire;
use futures_util::future::{Either, select};
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Delay, Env};

#[wasm_bindgen]
extern "C" {
    /// The platform's own stub of an object. `worker::Stub` makes a `Request` for each call and reads each answer as
    /// a stream, chunk by chunk: one sixth of what a log cost, when it was measured.
    pub type RawStub;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &RawStub, url: &str, init: &web_sys::RequestInit) -> Result<js_sys::Promise, JsValue>;
}

/// Why a hop has no answer.
#[derive(Debug)]
pub enum Lost {
    /// It did not answer in time, or broke: what it did is unknown.
    Uncertain(String),
    /// It answered with this status and these words.
    Status(u16, String),
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lost::Uncertain(why) => f.write_str(why),
            Lost::Status(status, said) => write!(f, "status {status}: {said}"),
        }
    }
}

/// Calls a shard.
///
/// # Errors
/// [`Lost`].
pub async fn call(
    env: &Env,
    shard: u32,
    path: &str,
    body: Vec<u8>,
    timeout_ms: u32,
) -> Result<Vec<u8>, Lost> {
    let payload = bytes(&body);
    drop(body);
    let stub = stub(env, shard)?;
    send(&stub, path, &payload, timeout_ms).await
}

/// Calls a shard, and once more with the same body when what became of the first call is unknown. Only for
/// requests that a shard recognises when they are repeated, or that change nothing.
///
/// # Errors
/// [`Lost`].
pub async fn call_twice(
    env: &Env,
    shard: u32,
    path: &str,
    body: Vec<u8>,
    timeout_ms: u32,
) -> Result<Vec<u8>, Lost> {
    match call(env, shard, path, body.clone(), timeout_ms).await {
        Err(Lost::Uncertain(why)) => {
            worker::console_warn!("shard {shard} gave no answer ({why}); trying once more");
            // A stub whose object broke stays broken; a new one reaches the object's next instance.
            call(env, shard, path, body, timeout_ms).await
        }
        answer => answer,
    }
}

fn bytes(body: &[u8]) -> JsValue {
    js_sys::Uint8Array::from(body).into()
}

fn stub(env: &Env, shard: u32) -> Result<RawStub, Lost> {
    object(env, wire::BINDING, &wire::shard_name(shard))
}

/// The stub of an object by its binding and name.
///
/// # Errors
/// [`Lost::Uncertain`] when the binding is missing.
pub fn object(env: &Env, binding: &str, name: &str) -> Result<RawStub, Lost> {
    env.durable_object(binding)
        .and_then(|namespace| namespace.get_by_name(name))
        .map(worker::Stub::into_rpc)
        .map_err(|error| Lost::Uncertain(error.to_string()))
}

/// Sends a body to an object and reads its answer, both within `timeout_ms`.
///
/// # Errors
/// [`Lost`].
pub async fn send(stub: &RawStub, path: &str, payload: &JsValue, timeout_ms: u32) -> Result<Vec<u8>, Lost> {
    let uncertain = |error: JsValue| Lost::Uncertain(worker::Error::from(error).to_string());
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(payload);
    let exchange = Box::pin(async {
        let promise = stub.fetch(&format!("https://object{path}"), &init).map_err(uncertain)?;
        let response: web_sys::Response = JsFuture::from(promise).await.map_err(uncertain)?.unchecked_into();
        let buffer = JsFuture::from(response.array_buffer().map_err(uncertain)?).await.map_err(uncertain)?;
        let body = js_sys::Uint8Array::new(&buffer).to_vec();
        match response.status() {
            200 => Ok(body),
            status => Err(Lost::Status(status, String::from_utf8_lossy(&body).into_owned())),
        }
    });
    let deadline = Delay::from(Duration::from_millis(timeout_ms.into()));
    match select(exchange, deadline).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(Lost::Uncertain(format!("no answer within {timeout_ms} ms"))),
    }
}

/// Reads an object's JSON answer.
///
/// # Errors
/// [`Lost::Uncertain`] when it is not what was expected.
pub fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Lost> {
    serde_json::from_slice(body).map_err(|error| Lost::Uncertain(error.to_string()))
}
