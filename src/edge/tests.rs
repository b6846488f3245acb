//! What exists in wasm alone: JavaScript's types at the edge of the worker. Run by `wasm-bindgen-test` under Node,
//! whose timers are no numbers and so of no use to `worker::Delay`: nothing here waits.

use super::answer::Answer;
use super::{random, settings};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;
use worker::Env;

fn env(pairs: &[(&str, JsValue)]) -> Env {
    let object = js_sys::Object::new();
    for (key, value) in pairs {
        js_sys::Reflect::set(&object, &JsValue::from_str(key), value).unwrap();
    }
    object.unchecked_into()
}

#[wasm_bindgen_test]
fn a_var_that_is_no_text_is_read_as_json() {
    let env = env(&[
        ("TEXT", JsValue::from_str("a")),
        ("NUMBER", JsValue::from_f64(5000.0)),
        ("FRACTION", JsValue::from_f64(0.5)),
        ("FLAG", JsValue::TRUE),
        ("LIST", js_sys::Array::of1(&"a".into()).into()),
        ("OBJECT", js_sys::Object::new().into()),
        ("NULL", JsValue::NULL),
    ]);
    let read = ["TEXT", "NUMBER", "FRACTION", "FLAG", "LIST", "OBJECT", "NULL", "MISSING"]
        .map(|key| settings::value(&env, key));
    let wanted =
        [Some("a"), Some("5000"), Some("0.5"), Some("true"), Some("[\"a\"]"), Some("{}"), None, None];
    assert_eq!(read.each_ref().map(Option::as_deref), wanted);
}

#[wasm_bindgen_test]
fn no_two_draws_of_randomness_are_alike() {
    let drawn: std::collections::HashSet<[u8; 10]> = (0..1_000).map(|_| random::bytes().unwrap()).collect();
    assert_eq!(drawn.len(), 1_000);
    assert!(!drawn.contains(&[0; 10]));
    assert!(random::bytes::<7>().unwrap() != random::bytes::<7>().unwrap());
}

#[wasm_bindgen_test]
fn the_version_comes_from_the_metadata_binding() {
    let metadata = js_sys::Object::new();
    js_sys::Reflect::set(&metadata, &"id".into(), &"v-1".into()).unwrap();
    assert_eq!(settings::version(&env(&[("CF_VERSION_METADATA", metadata.into())])).0, "v-1");
    assert_eq!(settings::version(&env(&[])), (String::new(), String::new()));
}

#[wasm_bindgen_test]
fn an_answer_carries_its_status_and_headers() {
    let cors = vec![("Access-Control-Allow-Origin", "*".to_string())];
    let response = Answer::error(404, "Not found").with("Retry-After", "5").send(cors).unwrap();
    assert_eq!(response.status_code(), 404);
    let header = |name: &str| response.headers().get(name).unwrap();
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(header("retry-after").as_deref(), Some("5"));
    assert_eq!(header("access-control-allow-origin").as_deref(), Some("*"));
}
