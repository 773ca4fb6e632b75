//! Every shape there and back, the faults with their paths, and what is refused.

use super::*;
use serde_json::json;
use std::time::Instant;
use wasmtime::{
    Config, Engine,
    component::{Component, types::ComponentItem},
};

/// A component that imports one interface with functions of all shapes; nothing runs.
const WAT: &str = r#"
(component
  (import "sat:test/test@0.1.0" (instance
    (type $error' (record (field "code" string) (field "message" string)))
    (export "error" (type $error (eq $error')))
    (type $json' (record (field "text" string)))
    (export "json" (type $json (eq $json')))
    (type $mood' (enum "calm" "very-glad"))
    (export "mood" (type $mood (eq $mood')))
    (type $rights' (flags "read" "write-all"))
    (export "rights" (type $rights (eq $rights')))
    (type $strings (list string))
    (type $place' (variant (case "nowhere") (case "named-spot" string) (case "grid" $strings)))
    (export "place" (type $place (eq $place')))
    (type $outcome (result u8 (error string)))
    (type $hollow (result))
    (type $bytes (list u8))
    (type $opt-string (option string))
    (type $opt-json (option $json))
    (type $pair (tuple string $json))
    (type $pairs (list $pair))
    (type $item' (record
      (field "id" string) (field "edited-at" $opt-string) (field "n8" s8) (field "n64" u64)
      (field "i64" s64) (field "f" f64) (field "g" f32) (field "c" char) (field "yes" bool)
      (field "mood" $mood) (field "rights" $rights) (field "place" $place)
      (field "outcome" $outcome) (field "hollow" $hollow) (field "raw" $bytes)
      (field "tags" $strings) (field "extra" $pairs) (field "more" $opt-json)))
    (export "item" (type $item (eq $item')))
    (type $items (list $item))
    (type $r-items (result $items (error $error)))
    (type $r-item (result $item (error $error)))
    (type $r-none (result (error $error)))
    (type $r-string (result string (error $error)))
    (type $opt-opt (option $opt-string))
    (type $asks' (record (field "to" string) (field "profile" string)))
    (export "asks" (type $asks (eq $asks')))
    (export "echo" (func async (param "item" $item) (result $r-item)))
    (export "send" (func async (param "request" $item) (result $r-items)))
    (export "none" (func async (param "up-to" $opt-string) (param "words" $strings) (result $r-none)))
    (export "blocking" (func (param "a" string) (result $r-string)))
    (export "infallible" (func async (param "a" string) (result string)))
    (export "other-error" (func async (param "a" string) (result $outcome)))
    (export "optopt" (func async (param "a" $opt-opt) (result $r-string)))
    (export "reserved" (func async (param "profile" string) (result $r-string)))
    (export "reserved-in-request" (func async (param "request" $asks) (result $r-string)))
  ))
)"#;

fn funcs() -> std::collections::BTreeMap<String, ComponentFunc> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    let component = Component::new(&engine, wat::parse_str(WAT).unwrap()).unwrap();
    let ty = component.component_type();
    let mut out = std::collections::BTreeMap::new();
    for (_, import) in ty.imports(&engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            continue;
        };
        for (name, export) in instance.exports(&engine) {
            if let ComponentItem::ComponentFunc(func) = export.ty {
                out.insert(name.to_owned(), func);
            }
        }
    }
    out
}

fn item() -> Value {
    json!({
        "id": "a\"\\\n\u{1}é😀", "edited_at": "2026-01-01T00:00:00.000Z", "n8": -128,
        "n64": 9_007_199_254_740_991_u64, "i64": -9_007_199_254_740_991_i64, "f": 0.1, "g": 0.1,
        "c": "é", "yes": true, "mood": "very-glad", "rights": ["read", "write-all"],
        "place": {"tag": "grid", "value": ["x", "y"]}, "outcome": {"err": "no"},
        "hollow": {"ok": null}, "raw": "AAEC/w==", "tags": ["a", "b"],
        "extra": [["k", {"deep": [1, null, {"x": "\u{7}"}]}], ["l", "text"]], "more": [1, 2]
    })
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// Reads `item` with these entries replaced and gives the error's sentence.
fn complaint(changes: Value) -> String {
    let mut value = item();
    for (k, v) in map(changes) {
        value[k] = v;
    }
    let error = params_from_json(&funcs()["echo"], &map(json!({"item": value}))).unwrap_err();
    assert!(error.is("bad-request"));
    error.message
}

#[test]
fn every_shape_there_and_back() {
    let funcs = funcs();
    let args = params_from_json(&funcs["echo"], &map(json!({"item": item()}))).unwrap();
    let back = Val::Result(Ok(Some(Box::new(args[0].clone()))));
    let text = result_to_json(&back, funcs["echo"].results().next()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(text.get()).unwrap(), item());
    assert!(text.get().contains(r#""g":0.1,"#), "{text}");
}

#[test]
fn what_may_be_absent() {
    let mut value = item();
    let object = value.as_object_mut().unwrap();
    for name in ["edited_at", "raw", "tags", "extra", "more"] {
        object.remove(name);
    }
    object.insert("edited_at".into(), Value::Null);
    object.insert("place".into(), json!({"tag": "nowhere"}));
    object.insert("rights".into(), json!([]));
    let funcs = funcs();
    let args = params_from_json(&funcs["echo"], &map(json!({"item": value}))).unwrap();
    let shape = Shape::of(&funcs["echo"].params().next().unwrap().1).unwrap();
    let back: Value = serde_json::from_str(&shape.write(&args[0]).unwrap()).unwrap();
    assert_eq!(back.get("edited_at"), None);
    assert_eq!(back["raw"], json!(""));
    assert_eq!(back["tags"], json!([]));
    assert_eq!(back["place"], json!({"tag": "nowhere"}));

    let args = params_from_json(&funcs["none"], &Map::new()).unwrap();
    assert_eq!(args, [Val::Option(None), Val::List(vec![])]);
    let nothing = Val::Result(Ok(None));
    assert_eq!(
        result_to_json(&nothing, funcs["none"].results().next())
            .unwrap()
            .get(),
        "null"
    );
}

#[test]
fn the_fields_of_a_request_are_the_parameters() {
    let funcs = funcs();
    let spread = params_from_json(&funcs["send"], &map(item())).unwrap();
    let whole = params_from_json(&funcs["echo"], &map(json!({"item": item()}))).unwrap();
    assert_eq!(spread, whole);
}

#[test]
fn faults_name_their_path() {
    for (changes, sentence) in [
        (
            json!({"place": {"tag": "grid", "value": ["x", 3]}}),
            "item.place.value[1]: expected a string, found a number",
        ),
        (
            json!({"n8": 128}),
            "item.n8: expected a whole number from -128 to 127, found 128",
        ),
        (
            json!({"n8": 1.5}),
            "item.n8: expected a whole number from -128 to 127, found 1.5",
        ),
        (
            json!({"n64": 9_007_199_254_740_992_u64}),
            "item.n64: expected a whole number from 0 to 9007199254740991, found 9007199254740992",
        ),
        (
            json!({"mood": "sad"}),
            "item.mood: expected one of calm, very-glad, found \"sad\"",
        ),
        (
            json!({"mood": 1}),
            "item.mood: expected a string, found a number",
        ),
        (
            json!({"rights": ["read", "fly"]}),
            "item.rights[1]: expected one of read, write-all, found \"fly\"",
        ),
        (
            json!({"outcome": {}}),
            "item.outcome: expected one of `ok` and `err`",
        ),
        (
            json!({"outcome": {"ok": "x"}}),
            "item.outcome.ok: expected a whole number, found a string",
        ),
        (
            json!({"extra": [["k"]]}),
            "item.extra[0]: expected 2 items, found 1",
        ),
        (
            json!({"c": "ab"}),
            "item.c: expected a string of one character",
        ),
        (json!({"raw": "!"}), "item.raw: expected base64"),
        (
            json!({"tags": null}),
            "item.tags: expected a list, found null",
        ),
        (
            json!({"place": {"tag": "nowhere", "value": 1}}),
            "item.place.value: this case has no value",
        ),
    ] {
        assert_eq!(complaint(changes), sentence);
    }
    assert!(complaint(json!({"bdy": 1})).starts_with("item.bdy: unknown name; known are id, "));
    let none = params_from_json(&funcs()["none"], &map(json!({"upto": 1}))).unwrap_err();
    assert_eq!(none.message, "upto: unknown name; known are up_to, words");
    let missing = params_from_json(&funcs()["echo"], &Map::new()).unwrap_err();
    assert_eq!(missing.message, "item: missing");
}

#[test]
fn what_json_cannot_carry_is_an_error() {
    for (shape, value) in [
        (Shape::F64, Val::Float64(f64::NAN)),
        (Shape::F32, Val::Float32(f32::INFINITY)),
        (Shape::Int(shape::Int::U64), Val::U64(MAX_EXACT + 1)),
        (Shape::Int(shape::Int::S64), Val::S64(i64::MIN)),
    ] {
        assert!(shape.write(&value).unwrap_err().is("incompatible"));
    }
    let json = |text: &str| Val::Record(vec![("text".into(), Val::String(text.into()))]);
    for bad in [
        "",
        "{",
        "1 2",
        "\"\\ud800\"",
        &"[".repeat(100_000),
        &format!("{}{}", "[".repeat(65), "]".repeat(65)),
    ] {
        assert!(Shape::Json.write(&json(bad)).is_err(), "{bad:.20}");
    }
    assert_eq!(
        Shape::Json.write(&json(" {\"a\":\"\\u00e9\"} ")).unwrap(),
        "{\"a\":\"\\u00e9\"}"
    );
}

#[test]
fn errors_of_a_plugin_keep_their_word() {
    let error = |code: &str| {
        Val::Result(Err(Some(Box::new(Val::Record(vec![
            ("code".into(), Val::String(code.into())),
            ("message".into(), Val::String("Nobody there".into())),
        ])))))
    };
    let kind = |code| {
        result_to_json(&error(code), None)
            .unwrap_err()
            .kind
            .into_owned()
    };
    assert_eq!(kind("item-not-found"), "item-not-found");
    assert_eq!(kind("Not A Word"), "plugin-error");
    assert_eq!(kind(""), "plugin-error");
}

#[test]
fn refusals_have_reasons() {
    let funcs = funcs();
    for name in ["echo", "send", "none"] {
        assert_eq!(refused(&funcs[name]), None);
    }
    for (name, reason) in [
        ("blocking", "it isn't `async func`"),
        ("infallible", "it doesn't return `result<…, error>`"),
        (
            "other-error",
            "its result's error isn't `error` of sat:host/types",
        ),
        (
            "optopt",
            "parameter `a`: an option of an option can't be told apart in JSON",
        ),
        (
            "reserved",
            "the parameter name `profile` is the bridge's own",
        ),
        (
            "reserved-in-request",
            "the parameter name `profile` is the bridge's own",
        ),
    ] {
        assert_eq!(refused(&funcs[name]).as_deref(), Some(reason));
    }
}

#[test]
fn events_may_have_fields_that_the_receiver_does_not_know() {
    let ty = funcs()["echo"].params().next().unwrap().1;
    let mut newer = item();
    newer["invented_later"] = json!(1);
    let event = event_from_json(&ty, &newer.to_string()).unwrap();
    let text = event_to_json(&event, &ty).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), item());
}

/// A page of 50 is a common answer; a debug build is 20 times slower than what users run.
#[test]
fn a_page_of_fifty_is_quick() {
    let funcs = funcs();
    let signature = Signature::of(&funcs["send"]).unwrap();
    let one = signature.params(&map(item())).unwrap().remove(0);
    let page = Val::Result(Ok(Some(Box::new(Val::List(vec![one; 50])))));
    let started = Instant::now();
    let text = signature.result(&page).unwrap();
    let wrote = started.elapsed();
    let params = map(item());
    let started = Instant::now();
    for _ in 0..50 {
        signature.params(&params).unwrap();
    }
    println!(
        "50 records: {} bytes out in {wrote:?}, in {:?}",
        text.get().len(),
        started.elapsed()
    );
    assert!(wrote.as_millis() < 50);
}
