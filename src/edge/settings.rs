//! Vars and secrets, read from the platform's `env` object.

use crate::config::{Config, Problem};
use std::cell::OnceCell;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use worker::Env;

/// What [`config`] returns.
pub type Loaded = Result<Rc<Config>, Rc<Vec<Problem>>>;

thread_local! {
    /// The configuration as first read. Vars and secrets never change under an instance: each change is a version
    /// with instances of its own. Reading them anew for each request took a twentieth of its time.
    static CONFIG: OnceCell<Loaded> = const { OnceCell::new() };
}

/// The configuration, or every setting that cannot be used.
///
/// # Errors
/// As [`Config::load`].
pub fn config(env: &Env) -> Loaded {
    let load = || {
        let loaded = Config::load(|key| value(env, key));
        if let Ok(config) = &loaded {
            crate::redaction::extend(config.redaction.clone());
        }
        loaded.map(Rc::new).map_err(Rc::new)
    };
    CONFIG.with(|config| config.get_or_init(load).clone())
}

/// The value of a var or secret: a text, or as JSON whatever else wrangler allows a var to be. A list is not taken for one that
/// is not set: [`crate::config::check`] says what is wrong with it.
pub fn value(env: &Env, key: &str) -> Option<String> {
    let value = js_sys::Reflect::get(env.as_ref(), &JsValue::from_str(key)).ok()?;
    if value.is_null() || value.is_undefined() {
        return None;
    }
    value.as_string().or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
}

/// Id and tag of the deployed version, from the `[version_metadata]` binding; empty without one.
pub fn version(env: &Env) -> (String, String) {
    let read = |key: &str| {
        let metadata = js_sys::Reflect::get(env.as_ref(), &JsValue::from_str("CF_VERSION_METADATA")).ok()?;
        js_sys::Reflect::get(&metadata, &JsValue::from_str(key)).ok()?.as_string()
    };
    (read("id").unwrap_or_default(), read("tag").unwrap_or_default())
}
