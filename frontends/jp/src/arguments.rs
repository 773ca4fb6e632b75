//! `key=value` arguments of `jp call`.

use serde_json::{Map, Value};

use crate::failure::Failure;

/// Parameters of a method by name: a value that is JSON is taken as JSON, any other is a
/// string; `key:=JSON` takes JSON only.
pub(crate) fn parse(arguments: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut parameters = Map::new();
    for argument in arguments {
        let Some((key, text)) = argument.split_once('=') else {
            return Err(Failure::usage(format!("{argument:?} isn't key=value")));
        };
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => {
                let value = serde_json::from_str(text)
                    .map_err(|error| Failure::usage(format!("{argument:?} isn't JSON: {error}")))?;
                (key, value)
            }
            None => (key, guess(text)),
        };
        if key.is_empty() {
            return Err(Failure::usage(format!("{argument:?} has no key")));
        }
        if parameters.insert(key.to_owned(), value).is_some() {
            return Err(Failure::usage(format!("{key} is given twice")));
        }
    }
    Ok(parameters)
}

/// JSON if it parses, else a string.
pub(crate) fn guess(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(arguments: &[&str]) -> Result<Value, String> {
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        parse(&arguments)
            .map(Value::Object)
            .map_err(|f| f.message().unwrap_or_default().to_owned())
    }

    #[test]
    fn values() {
        let all = [
            "to=romeo@montague.lit",
            "limit=3",
            "on=true",
            "none=null",
            "groups=[\"a\"]",
            "body=a=b: c",
            "empty=",
            "text=\"3\"",
            "half={x",
            "forced:={\"x\":1}",
        ];
        let expected = json!({
            "to": "romeo@montague.lit", "limit": 3, "on": true, "none": null, "groups": ["a"],
            "body": "a=b: c", "empty": "", "text": "3", "half": "{x", "forced": {"x": 1},
        });
        assert_eq!(read(&all).unwrap(), expected);
    }

    #[test]
    fn faults() {
        for (arguments, expected) in [
            (&["to"][..], "isn't key=value"),
            (&["=x"], "has no key"),
            (&["a:=x"], "isn't JSON"),
            (&["a=1", "a=2"], "given twice"),
        ] {
            let message = read(arguments).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
