//! Whether what came is what a play expects: XML and JSON in which only what is written counts.
//!
//! `$any` stands for anything, `$any:name` for anything that is remembered as `$name`.

use minidom::Element;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a play has remembered, by name.
pub type Memory = BTreeMap<String, String>;

/// Whether a text fits, and what it has to be remembered as.
fn fits(expected: &str, actual: &str, memory: &mut Memory) -> bool {
    let expected = expected.trim();
    if expected == "$any" {
        return true;
    }
    if let Some(name) = expected.strip_prefix("$any:") {
        memory.insert(name.to_owned(), actual.to_owned());
        return true;
    }
    expected == actual.trim()
}

/// Puts what was remembered in the place of each `$name`, the longest names first.
#[must_use]
pub fn fill(text: &str, memory: &Memory) -> String {
    let mut names: Vec<_> = memory.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${name}"), value)
    })
}

/// Why an element isn't the expected one: its name and namespace, every attribute, the text and
/// every child that is written must be there; others may be.
///
/// # Errors
/// The first difference, with its place.
pub fn xml(expected: &Element, actual: &Element, memory: &mut Memory) -> Result<(), String> {
    if !actual.is(expected.name(), expected.ns().as_str()) {
        return Err(format!(
            "expected <{} xmlns='{}'>, found <{} xmlns='{}'>",
            expected.name(),
            expected.ns(),
            actual.name(),
            actual.ns()
        ));
    }
    let place = expected.name();
    for ((_, name), value) in expected.attrs() {
        let found = actual.attr(name.as_str());
        if !found.is_some_and(|found| fits(value, found, memory)) {
            let name = name.as_str();
            return Err(format!(
                "{place}/@{name}: expected {value:?}, found {found:?}"
            ));
        }
    }
    let text = expected.text();
    if !text.trim().is_empty() && !fits(&text, &actual.text(), memory) {
        return Err(format!(
            "{place}: expected the text {:?}, found {:?}",
            text.trim(),
            actual.text()
        ));
    }
    let mut left: Vec<&Element> = actual.children().collect();
    for child in expected.children() {
        let mut why = format!("{place}: there is no <{}>", child.name());
        let found = left.iter().position(|candidate| {
            let mut attempt = memory.clone();
            match xml(child, candidate, &mut attempt) {
                Ok(()) => {
                    *memory = attempt;
                    true
                }
                Err(difference) => {
                    if candidate.name() == child.name() {
                        why = format!("{place}/{difference}");
                    }
                    false
                }
            }
        });
        match found {
            Some(at) => drop(left.remove(at)),
            None => return Err(why),
        }
    }
    Ok(())
}

/// The same for JSON: of objects the written fields count, lists have as many entries.
///
/// # Errors
/// The first difference, with its path.
pub fn json(expected: &Value, actual: &Value, memory: &mut Memory) -> Result<(), String> {
    json_at("", expected, actual, memory)
}

fn json_at(
    path: &str,
    expected: &Value,
    actual: &Value,
    memory: &mut Memory,
) -> Result<(), String> {
    let here = if path.is_empty() { "the value" } else { path };
    match (expected, actual) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, value) in expected {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match found.get(name) {
                    Some(found) => json_at(&path, value, found, memory)?,
                    None if value.is_null() => {}
                    None => return Err(format!("{path}: missing, expected {value}")),
                }
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(found)) => {
            if expected.len() != found.len() {
                let (wanted, there) = (expected.len(), found.len());
                return Err(format!(
                    "{here}: expected {wanted} entries, found {there}: {actual}"
                ));
            }
            expected
                .iter()
                .zip(found)
                .enumerate()
                .try_for_each(|(n, (e, f))| json_at(&format!("{path}[{n}]"), e, f, memory))
        }
        (Value::String(text), found) if text.starts_with("$any") => {
            let found = match found {
                Value::String(found) => found.clone(),
                other => other.to_string(),
            };
            fits(text, &found, memory);
            Ok(())
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => Ok(()),
        (expected, actual) if expected == actual => Ok(()),
        (expected, actual) => Err(format!("{here}: expected {expected}, found {actual}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_written_counts() {
        let parse = |text: &str| text.parse::<Element>().unwrap();
        let actual = parse("<a xmlns='x' b='1' c='2'>t<d e='3'/><d e='4'>u</d></a>");
        let mut memory = Memory::new();
        for fine in [
            "<a xmlns='x'/>",
            "<a xmlns='x' c='2'>t</a>",
            "<a xmlns='x'><d e='4'/></a>",
            "<a xmlns='x'><d/><d/></a>",
            "<a xmlns='x' b='$any:b'><d e='$any:e'>u</d></a>",
        ] {
            assert_eq!(xml(&parse(fine), &actual, &mut memory), Ok(()), "{fine}");
        }
        assert_eq!((memory["b"].as_str(), memory["e"].as_str()), ("1", "4"));
        assert_eq!(fill("$b/$e/$c", &memory), "1/4/$c");
        for wrong in [
            "<a xmlns='y'/>",
            "<a xmlns='x' b='2'/>",
            "<a xmlns='x' f='$any'/>",
            "<a xmlns='x'>u</a>",
            "<a xmlns='x'><d e='5'/></a>",
            "<a xmlns='x'><d/><d/><d/></a>",
            "<a xmlns='x'><d e='3'>u</d></a>",
        ] {
            assert!(xml(&parse(wrong), &actual, &mut memory).is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_objects_too() {
        let actual = json!({"a": 1, "b": {"c": [1, "x"]}, "n": null});
        let mut memory = Memory::new();
        for fine in [
            json!({}),
            json!({"a": 1.0, "gone": null}),
            json!({"b": {"c": ["$any", "$any:x"]}, "n": null}),
        ] {
            assert_eq!(json(&fine, &actual, &mut memory), Ok(()), "{fine}");
        }
        assert_eq!(memory["x"], "x");
        for wrong in [
            json!([]),
            json!({"a": 2}),
            json!({"b": {"c": [1]}}),
            json!({"d": "$any"}),
        ] {
            assert!(json(&wrong, &actual, &mut memory).is_err(), "{wrong}");
        }
    }
}
