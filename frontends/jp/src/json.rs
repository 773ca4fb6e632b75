//! Fields of results, for showing them: what is missing is empty.

use serde_json::Value;

/// A field as text: strings as they are, nothing for null, JSON for the rest.
pub(crate) fn text(value: &Value, field: &str) -> String {
    value.get(field).map(plain).unwrap_or_default()
}

/// A value as text.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a field is true.
pub(crate) fn is_true(value: &Value, field: &str) -> bool {
    value.get(field).and_then(Value::as_bool).unwrap_or(false)
}

/// The words of a list field.
pub(crate) fn words(value: &Value, field: &str) -> String {
    let list = value.get(field).map(list).unwrap_or_default();
    list.iter().map(plain).collect::<Vec<_>>().join(", ")
}

/// A list, or the items of a page.
pub(crate) fn list(value: &Value) -> &[Value] {
    let items = value.as_array().or_else(|| value.get("items")?.as_array());
    items.map(Vec::as_slice).unwrap_or_default()
}

/// An RFC 3339 time for people: without `T` and fractions of a second.
pub(crate) fn time(value: &Value, field: &str) -> String {
    let text = text(value, field);
    let Some((date, rest)) = text.split_once('T') else {
        return text;
    };
    let Some((time, fraction)) = rest.split_once('.') else {
        return format!("{date} {rest}");
    };
    format!(
        "{date} {time}{}",
        fraction.trim_start_matches(|c: char| c.is_ascii_digit())
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields() {
        let value = json!({"a": "x", "n": 3, "l": ["p", 1], "b": true, "z": null});
        assert_eq!(text(&value, "a"), "x");
        assert_eq!(text(&value, "n"), "3");
        assert_eq!(text(&value, "z") + &text(&value, "none"), "");
        assert_eq!(words(&value, "l"), "p, 1");
        assert!(is_true(&value, "b") && !is_true(&value, "a"));
        assert_eq!(list(&json!({"items": [1]})), list(&json!([1])));
    }

    #[test]
    fn times() {
        let value =
            json!({"a": "2026-11-24T01:02:03.456Z", "b": "2026-11-24T01:02:03+02:00", "c": "?"});
        assert_eq!(time(&value, "a"), "2026-11-24 01:02:03Z");
        assert_eq!(time(&value, "b"), "2026-11-24 01:02:03+02:00");
        assert_eq!(time(&value, "c"), "?");
    }
}
