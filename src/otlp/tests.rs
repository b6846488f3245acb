use super::*;
use crate::answers::Fate;
use crate::entry::System;
use crate::intake::{Judge, Judged, Sender};
use crate::json::Json;
use crate::quota::{Limits, Scope};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: i64 = 1_750_000_000_000;
const LIMITS: Limits = Limits { global: 5000, systems: [2000, 1500, 1500, 500], trace: 500 };

/// A request with this resource's attributes, of these records.
fn request(resource: &Value, records: &[Value]) -> String {
    json!({ "resourceLogs": [{
        "resource": { "attributes": resource },
        "scopeLogs": [{ "scope": { "name": "lib", "version": "1.2", "attributes": [] }, "logRecords": records }],
    }] })
    .to_string()
}

fn pair(key: &str, text: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": text } })
}

fn stored(body: &str) -> Vec<Value> {
    let each = |record: Record<'_>| {
        let log = record.log().unwrap();
        let sender =
            Sender { user_agent: Some("OTel-OTLP-Exporter-JavaScript/0.2".into()), ..Sender::default() };
        let mut json = Vec::new();
        match Judge::new(&sender, NOW, &mut || panic!("it has an id")).judge(log, &mut json) {
            Judged::Accepted(_) => serde_json::from_slice(&json).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    records(body).unwrap().into_iter().map(each).collect()
}

fn one(resource: &Value, record: Value) -> Value {
    stored(&request(resource, &[record])).remove(0)
}

#[test]
fn a_record_is_stored_whole() {
    let entry = one(
        &json!([pair("service.name", "shop"), { "key": "process.pid", "value": { "intValue": "42" } }]),
        json!({
            "timeUnixNano": "1749999999123456789", "observedTimeUnixNano": "1", "severityNumber": 17,
            "severityText": "ERROR", "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174",
            "flags": 1, "body": { "stringValue": "it broke" }, "eventName": "", "droppedAttributesCount": 0,
            "attributes": [
                pair("user.id", "u1"), pair("exception.stacktrace", "Error\n  at x"),
                { "key": "ok", "value": { "boolValue": true } },
                { "key": "n", "value": { "intValue": "-9007199254740993" } },
                { "key": "d", "value": { "doubleValue": 0.5 } },
                { "key": "raw", "value": { "bytesValue": "AQID" } },
                { "key": "none", "value": {} },
                { "key": "list", "value": { "arrayValue": { "values": [{ "stringValue": "a" }, { "intValue": 2 }] } } },
                { "key": "map", "value": { "kvlistValue": { "values": [pair("in", "side")] } } },
                pair("map2", "first"), pair("map2", "last"),
            ],
        }),
    );
    let id = entry["id"].as_str().unwrap();
    assert!(id.starts_with("otlp-") && id.len() == 37, "{id}");
    let wanted = json!({
        "id": id, "trace_id": "5b8efff798038103d269b633813fc60c", "user_id": "u1", "system": "manual", "level": "error",
        "message": "it broke", "stack": "Error\n  at x", "timestamp": 1_749_999_999_123_i64,
        "context": {
            "attributes": {
                "user.id": "u1", "exception.stacktrace": "Error\n  at x", "ok": true, "n": -9_007_199_254_740_993_i64,
                "d": 0.5, "raw": "AQID", "none": null, "list": ["a", 2], "map": { "in": "side" }, "map2": "last",
            },
            "span_id": "eee19b7ec3c1b174", "flags": 1, "severity_number": 17, "severity_text": "ERROR",
            "time_unix_nano": "1749999999123456789",
            "scope": { "name": "lib", "version": "1.2" },
            "resource": { "attributes": { "service.name": "shop", "process.pid": 42 } },
        },
    });
    assert_eq!(entry, wanted);
}

#[test]
fn severities_are_the_four_levels() {
    for (number, level) in [
        (1, "log"),
        (8, "log"),
        (9, "info"),
        (12, "info"),
        (13, "warn"),
        (16, "warn"),
        (17, "error"),
        (24, "error"),
    ] {
        assert_eq!(one(&json!([]), json!({ "severityNumber": number }))["level"], level, "{number}");
    }
    for (text, level) in [
        ("", "log"),
        ("DEBUG", "log"),
        ("Information", "info"),
        ("WARNING", "warn"),
        ("Critical", "error"),
        ("x", "log"),
    ] {
        assert_eq!(one(&json!([]), json!({ "severityText": text }))["level"], level, "{text}");
    }
}

#[test]
fn a_body_of_any_kind_is_the_message_and_kept() {
    let told = |body: Value| {
        let entry = one(&json!([]), json!({ "body": body }));
        (entry["message"].as_str().unwrap().to_owned(), entry["context"]["body"].clone())
    };
    assert_eq!(told(json!({ "stringValue": "text" })), ("text".into(), Value::Null));
    assert_eq!(told(json!({ "intValue": "7" })), ("7".into(), json!(7)));
    assert_eq!(told(json!({ "doubleValue": "NaN" })), ("NaN".into(), Value::Null));
    assert_eq!(told(json!({ "boolValue": false })), ("false".into(), json!(false)));
    let map = json!({ "kvlistValue": { "values": [pair("a", "b")] } });
    assert_eq!(told(map), (r#"{"a":"b"}"#.into(), json!({ "a": "b" })));
    assert_eq!(told(json!({ "arrayValue": {} })), ("[]".into(), json!([])));
    for nothing in [json!({}), Value::Null, json!({ "stringValue": "" }), json!({ "newKind": 1 })] {
        assert_eq!(told(nothing), ("(no body)".into(), Value::Null));
    }
    let named = |record| one(&json!([]), record)["message"].clone();
    assert_eq!(named(json!({ "eventName": "started" })), "started");
    assert_eq!(named(json!({ "attributes": [pair("exception.message", "boom")] })), "boom");
}

#[test]
fn a_log_without_a_trace_stands_with_its_service() {
    let trace = |resource: Value, record: Value| one(&resource, record)["trace_id"].clone();
    let shop = json!([pair("service.name", "shop")]);
    assert_eq!(trace(shop.clone(), json!({})), "service:shop");
    assert_eq!(trace(json!([]), json!({})), "service:unknown_service");
    for none in
        ["", "00000000000000000000000000000000", "5b8efff798038103", "zz8efff798038103d269b633813fc60c"]
    {
        assert_eq!(trace(shop.clone(), json!({ "traceId": none })), "service:shop", "{none}");
    }
    let own = json!({ "attributes": [pair("trace_id", "trace_1_abc")] });
    assert_eq!(trace(shop.clone(), own), "trace_1_abc");
}

#[test]
fn the_system_is_the_first_that_resource_or_record_tell() {
    let system = |resource: Value, record: Value| one(&resource, record)["system"].clone();
    assert_eq!(system(json!([]), json!({})), "manual", "as the request says");
    assert_eq!(system(json!([pair("telemetry.sdk.language", "webjs")]), json!({})), "browser");
    assert_eq!(system(json!([pair("cloud.platform", "cloudflare.workers")]), json!({})), "worker");
    assert_eq!(system(json!([pair("service.name", "my-Convex-app")]), json!({})), "convex");
    let own = json!({ "attributes": [pair("system", "browser")] });
    assert_eq!(system(json!([pair("system", "worker")]), own), "browser");
    assert_eq!(system(json!([pair("system", "elsewhere")]), json!({})), "manual");
}

#[test]
fn a_record_sent_again_has_its_id_and_every_other_has_another() {
    let record = json!({ "body": { "stringValue": "tick" }, "timeUnixNano": "1749999999000000000" });
    let ids = |resource: &Value, records: &[Value]| -> Vec<String> {
        stored(&request(resource, records))
            .iter()
            .map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let twice = ids(&json!([]), &[record.clone(), record.clone()]);
    assert_eq!(twice, ids(&json!([]), &[record.clone(), record.clone()]));
    assert_ne!(twice[0], twice[1], "alike, and yet two");
    assert_ne!(twice[0], ids(&json!([pair("service.name", "other")]), std::slice::from_ref(&record))[0]);
}

#[test]
fn what_is_no_request_is_refused_and_an_empty_one_is_none() {
    for empty in
        ["{}", r#"{"resourceLogs":[]}"#, r#"{"resourceLogs":null,"new":1}"#, r#"{"resourceLogs":[{}]}"#]
    {
        assert_eq!(records(empty).unwrap().len(), 0, "{empty}");
    }
    for bad in
        ["", "[]", "x", r#"{"resourceLogs":{}}"#, r#"{"resourceLogs":[1]}"#, "{\"resourceLogs\":\u{7f}"]
    {
        let error = records(bad).unwrap_err();
        assert_eq!(error.status(), 400, "{bad}: {error}");
    }
    let many = vec![json!({}); 1_001];
    assert!(matches!(records(&request(&json!([]), &many)), Err(BodyError::TooManyEntries(1_001))));
    let odd = records(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[7]}]}]}"#).unwrap().remove(0).log();
    assert_eq!(odd.unwrap_err().0, 400);
}

#[test]
fn only_json_is_taken() {
    for json in [None, Some("application/json"), Some("Application/JSON; charset=utf-8")] {
        assert_eq!(check_content_type(json), Ok(()));
    }
    let protobuf = check_content_type(Some("application/x-protobuf")).unwrap_err();
    assert_eq!(protobuf.status(), 415);
    assert!(protobuf.to_string().contains("http/json"), "{protobuf}");
    assert_eq!(check_content_type(Some("text/plain")).unwrap_err().status(), 415);
}

#[test]
fn a_large_resource_does_not_make_a_request_a_thousandfold() {
    let large: Vec<Value> = (0..100).map(|n| pair(&format!("key{n}"), &"x".repeat(1_000))).collect();
    let records = vec![json!({}); 1_000];
    let body = request(&Value::Array(large), &records);
    let entries = stored(&body);
    let size: usize = entries.iter().map(|entry| entry.to_string().len()).sum();
    assert!(size < 1_000 * 2 * record::SOURCE_BYTES, "{} became {size}", body.len());
    let resource = &entries[0]["context"]["resource"];
    let kept = resource["attributes"].as_object().unwrap().len();
    assert_eq!(resource["attributes_cut"], 100 - kept);
    assert!(kept > 0);
}

#[test]
fn a_value_nested_without_end_is_cut() {
    let depth = 100_000;
    let value = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(depth), "]}}".repeat(depth));
    let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}}]}}]}}]}}"#);
    let log = records(&body).unwrap().remove(0).log().unwrap();
    let mut json = Vec::new();
    let judged = Judge::new(&Sender::default(), NOW, &mut || "made".into()).judge(log, &mut json);
    let Judged::Accepted(_) = judged else { panic!("{judged:?}") };
    assert!(json.len() < 100_000 && String::from_utf8(json).unwrap().contains("[cut"));
}

#[test]
fn an_exporter_is_told_what_it_must_not_send_again_or_to_send_all_again() {
    let stored =
        || Fate::Stored { trace_id: "t".into(), system: System::Manual, left: 5, until: NOW + 60_000 };
    let refused = || Fate::Refused { status: 413, error: "too large".into() };
    let over = || Fate::Over {
        trace_id: "t".into(),
        system: System::Manual,
        scope: Scope::Trace,
        until: NOW + 60_000,
    };
    let lost = || Fate::Lost { trace_id: "t".into(), system: System::Manual };
    let said = |fates: &[Fate]| {
        let told = tell(fates, NOW, &LIMITS);
        let again =
            told.headers.iter().find(|(name, _)| *name == "Retry-After").map(|(_, value)| value.clone());
        (told.status, String::from_utf8(told.body).unwrap(), again)
    };
    assert_eq!(said(&[]), (200, "{}".into(), None));
    assert_eq!(said(&[stored(), Fate::Noise { trace_id: "t".into() }]), (200, "{}".into(), None));
    let partial = r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"record 1: too large; record 2: too large"}}"#;
    assert_eq!(said(&[stored(), refused(), refused()]), (200, partial.into(), None));
    let quota = r#"{"message":"Per-trace rate limit exceeded for t"}"#;
    assert_eq!(said(&[stored(), refused(), over()]), (429, quota.into(), Some("60".into())));
    let (status, _, again) = said(&[over(), lost(), stored()]);
    assert_eq!((status, again), (503, Some("5".into())));
    assert_eq!(as_status(br#"{"success":false,"error":"no"}"#), br#"{"message":"no"}"#);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        ".{0,8}".prop_map(|text| json!({ "stringValue": text })),
        any::<bool>().prop_map(|flag| json!({ "boolValue": flag })),
        any::<i64>().prop_map(|number| json!({ "intValue": number.to_string() })),
        any::<i32>().prop_map(|number| json!({ "intValue": number })),
        any::<i32>().prop_map(|number| json!({ "doubleValue": f64::from(number) / 4.0 })),
        Just(json!({})),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|values| json!({ "arrayValue": { "values": values } })),
            prop::collection::btree_map(".{0,4}", inner, 0..5).prop_map(|map| {
                let values: Vec<Value> =
                    map.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
                json!({ "kvlistValue": { "values": values } })
            }),
        ]
    })
}

/// What a value means, by serde's tree instead of ours.
fn meaning(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|members| members.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => match value {
            Value::String(digits) => json!(digits.parse::<i64>().unwrap()),
            other => other.clone(),
        },
        "arrayValue" => value["values"].as_array().unwrap().iter().map(meaning).collect(),
        "kvlistValue" => {
            let pairs = value["values"].as_array().unwrap().iter();
            Value::Object(
                pairs.map(|pair| (pair["key"].as_str().unwrap().into(), meaning(&pair["value"]))).collect(),
            )
        }
        _ => value.clone(),
    }
}

proptest! {
    #[test]
    fn any_value_keeps_its_meaning(value in any_value()) {
        let text = value.to_string();
        let mut out = Vec::new();
        crate::json::write_value(&mut out, &super::value::plain(crate::json::parse(&text).unwrap()), 1_000);
        prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), meaning(&value));
    }

    #[test]
    fn any_record_is_a_log_that_can_be_judged(record in crate::json::any_json(), body in any_value()) {
        let mut record = record;
        if let Value::Object(members) = &mut record {
            members.insert("body".into(), body);
        }
        let text = request(&json!([]), &[record]);
        for record in records(&text).unwrap() {
            if let Ok(log) = record.log() {
                prop_assert!(matches!(log, Json::Object(_)));
                let judged = Judge::new(&Sender::default(), NOW, &mut || "made".into()).judge(log, &mut Vec::new());
                prop_assert!(!matches!(judged, Judged::Refused { .. }), "{:?}", judged);
            }
        }
    }
}
