//! Vars and secrets, read from the platform's `env` object.

use wasm_bindgen::JsValue;
use worker::Env;

/// The value of a var or secret, if it is a text (or a number, as wrangler allows vars to be).
pub fn value(env: &Env, key: &str) -> Option<String> {
    let value = js_sys::Reflect::get(env.as_ref(), &JsValue::from_str(key)).ok()?;
    value
        .as_string()
        .or_else(|| value.as_f64().map(|number| number.to_string()))
        .or_else(|| value.as_bool().map(|flag| flag.to_string()))
}

/// Id and tag of the deployed version, from the `[version_metadata]` binding; empty without one.
pub fn version(env: &Env) -> (String, String) {
    let read = |key: &str| {
        let metadata = js_sys::Reflect::get(env.as_ref(), &JsValue::from_str("CF_VERSION_METADATA")).ok()?;
        js_sys::Reflect::get(&metadata, &JsValue::from_str(key)).ok()?.as_string()
    };
    (read("id").unwrap_or_default(), read("tag").unwrap_or_default())
}
