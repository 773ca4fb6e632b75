//! Parameters of core methods: by name, checked against the method's table.

use sat_host::{Error, Result, error::kind};
use serde_json::{Map, Value, value::RawValue};

/// Type of a core method's parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A whole number, not negative.
    Number,
    /// A list of strings.
    Texts,
    /// An object of cursors (or null) by profile.
    Cursors,
    /// Anything.
    Any,
}

/// A parameter of a core method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) doc: &'static str,
}

/// The parameters of a request: an object, or nothing.
pub(crate) fn parse(raw: Option<&RawValue>) -> Result<Map<String, Value>> {
    let Some(raw) = raw else {
        return Ok(Map::new());
    };
    match serde_json::from_str(raw.get()) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Ok(_) => Err(bad("Parameters go by name: `params` must be an object")),
        Err(e) => Err(bad(format!("The parameters can't be read: {e}"))),
    }
}

/// A `bad-request` error.
pub(crate) fn bad(text: impl Into<String>) -> Error {
    Error::new(kind::BAD_REQUEST, text)
}

/// Checked parameters of a core method. A value of null counts as absent.
#[derive(Debug)]
pub(crate) struct Args(Map<String, Value>);

impl Args {
    /// Checks names and types.
    pub(crate) fn check(mut map: Map<String, Value>, params: &[Param]) -> Result<Self> {
        if let Some(name) = map.keys().find(|k| params.iter().all(|p| p.name != **k)) {
            let known: Vec<_> = params.iter().map(|p| p.name).collect();
            let known = if known.is_empty() {
                "there are none".to_owned()
            } else {
                format!("known are {}", known.join(", "))
            };
            return Err(bad(format!("{name}: unknown name; {known}")));
        }
        // `value: null` says something where any value is allowed.
        map.retain(|k, v| {
            !v.is_null() || params.iter().any(|p| p.name == k && p.kind == Kind::Any)
        });
        for param in params {
            match map.get(param.name) {
                None if param.required => return Err(bad(format!("{}: missing", param.name))),
                None => {}
                Some(value) => param.kind.check(param.name, value)?,
            }
        }
        Ok(Self(map))
    }

    /// A string.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A string that the table says is required.
    pub(crate) fn needed(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    /// The profile of the call.
    pub(crate) fn profile(&self) -> &str {
        self.text("profile").unwrap_or("@DEFAULT@")
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// A list of strings.
    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = self.0.get(name)?.as_array()?;
        Some(
            list.iter()
                .filter_map(|v| v.as_str().map(str::to_owned))
                .collect(),
        )
    }

    /// An object.
    pub(crate) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name).and_then(Value::as_object)
    }

    /// Any value.
    pub(crate) fn value(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

impl Kind {
    fn check(self, name: &str, value: &Value) -> Result<()> {
        let fits = match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_u64(),
            Self::Texts => value
                .as_array()
                .is_some_and(|l| l.iter().all(Value::is_string)),
            Self::Cursors => value
                .as_object()
                .is_some_and(|o| o.values().all(|v| v.is_string() || v.is_null())),
            Self::Any => true,
        };
        let what = match self {
            Self::Text => "a string",
            Self::Number => "a whole number, not negative",
            Self::Texts => "a list of strings",
            Self::Cursors => "an object of cursors (strings or null) by profile",
            Self::Any => "a value",
        };
        if fits {
            Ok(())
        } else {
            Err(bad(format!("{name}: expected {what}")))
        }
    }

    /// Its JSON schema.
    pub(crate) fn schema(self) -> Value {
        match self {
            Self::Text => serde_json::json!({"type": "string"}),
            Self::Number => serde_json::json!({"type": "integer", "minimum": 0}),
            Self::Texts => serde_json::json!({"type": "array", "items": {"type": "string"}}),
            Self::Cursors => {
                serde_json::json!({"type": "object", "additionalProperties": {"type": ["string", "null"]}})
            }
            Self::Any => serde_json::json!({}),
        }
    }
}
