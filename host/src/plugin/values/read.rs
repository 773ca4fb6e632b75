//! JSON to component values. Errors name the path to the fault.

use super::{
    MAX_EXACT, Shape,
    shape::{Field, Int},
};
use crate::error::{Error, Result, kind};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use std::fmt;
use wasmtime::component::Val;

/// Where a value stands: a chain on the call stack, made into text only for an error.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Name(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Name(Path::Root, name) => f.write_str(name),
            Path::Name(parent, name) => write!(f, "{parent}.{name}"),
            Path::Index(parent, i) => write!(f, "{parent}[{i}]"),
        }
    }
}

/// What to do about names that a record doesn't have.
#[derive(Clone, Copy)]
enum Unknown {
    Refuse,
    Skip,
}

impl Shape {
    /// The fields of a record, or the parameters of a call, in their order.
    pub(super) fn read_fields(
        fields: &[Field],
        object: &Map<String, Value>,
    ) -> Result<Vec<(String, Val)>> {
        read_fields(fields, object, &Path::Root, Unknown::Refuse)
    }

    /// A value of this shape from JSON.
    pub fn read(&self, value: &Value) -> Result<Val> {
        self.read_at(value, &Path::Root, Unknown::Refuse)
    }

    /// An event's record from its JSON text.
    pub(super) fn read_event(&self, text: &str) -> Result<Val> {
        let value: Value = serde_json::from_str(text)
            .map_err(|e| Error::new(kind::BAD_REQUEST, format!("An event isn't JSON: {e}")))?;
        self.read_at(&value, &Path::Root, Unknown::Skip)
    }

    fn read_at(&self, value: &Value, path: &Path<'_>, unknown: Unknown) -> Result<Val> {
        Ok(match (self, value) {
            (Self::Bool, Value::Bool(b)) => Val::Bool(*b),
            (Self::Int(int), Value::Number(n)) => read_int(*int, n, path)?,
            (Self::F64, Value::Number(n)) => Val::Float64(
                n.as_f64()
                    .ok_or_else(|| fault(path, "expected a number that fits f64"))?,
            ),
            (Self::F32, Value::Number(n)) => {
                #[expect(clippy::cast_possible_truncation, reason = "an f32 was asked for")]
                let f = n.as_f64().map(|f| f as f32).filter(|f| f.is_finite());
                Val::Float32(f.ok_or_else(|| fault(path, "expected a number that fits f32"))?)
            }
            (Self::Char, Value::String(s)) => {
                let mut chars = s.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Val::Char(c),
                    _ => return Err(fault(path, "expected a string of one character")),
                }
            }
            (Self::String, Value::String(s)) => Val::String(s.clone()),
            (Self::Bytes, Value::String(s)) => {
                let raw = STANDARD
                    .decode(s)
                    .map_err(|_| fault(path, "expected base64"))?;
                Val::List(raw.into_iter().map(Val::U8).collect())
            }
            (Self::List(item), Value::Array(items)) => {
                let one = |(i, v): (usize, &Value)| item.read_at(v, &Path::Index(path, i), unknown);
                Val::List(items.iter().enumerate().map(one).collect::<Result<_>>()?)
            }
            (Self::Json, value) => {
                Val::Record(vec![("text".to_owned(), Val::String(value.to_string()))])
            }
            (Self::Record(fields), Value::Object(object)) => {
                Val::Record(read_fields(fields, object, path, unknown)?)
            }
            (Self::Tuple(shapes), Value::Array(items)) => {
                if shapes.len() != items.len() {
                    let (want, found) = (shapes.len(), items.len());
                    return Err(fault(
                        path,
                        &format!("expected {want} items, found {found}"),
                    ));
                }
                let one = |(i, (s, v)): (usize, (&Self, &Value))| {
                    s.read_at(v, &Path::Index(path, i), unknown)
                };
                let items = shapes.iter().zip(items).enumerate().map(one);
                Val::Tuple(items.collect::<Result<_>>()?)
            }
            (Self::Variant(cases), Value::Object(object)) => {
                read_variant(cases, object, path, unknown)?
            }
            (Self::Enum(names), Value::String(s)) => {
                Val::Enum(one_of(names.iter().map(String::as_str), s, path)?)
            }
            (Self::Flags(names), Value::Array(items)) => {
                let mut set = Vec::with_capacity(items.len());
                for (i, item) in items.iter().enumerate() {
                    let path = Path::Index(path, i);
                    let Value::String(s) = item else {
                        return Err(expected(&path, "a string", item));
                    };
                    let name = one_of(names.iter().map(String::as_str), s, &path)?;
                    if !set.contains(&name) {
                        set.push(name);
                    }
                }
                Val::Flags(set)
            }
            (Self::Option(_), Value::Null) => Val::Option(None),
            (Self::Option(some), value) => {
                Val::Option(Some(Box::new(some.read_at(value, path, unknown)?)))
            }
            (Self::Result(ok, err), Value::Object(object)) => {
                read_result([ok.as_deref(), err.as_deref()], object, path, unknown)?
            }
            (shape, value) => return Err(expected(path, shape.article(), value)),
        })
    }

    /// What stands for an absent field; `None` when it must be there.
    fn absent(&self) -> Option<Val> {
        match self {
            Self::Option(_) => Some(Val::Option(None)),
            Self::List(_) | Self::Bytes => Some(Val::List(Vec::new())),
            _ => None,
        }
    }

    fn article(&self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int(_) => "a whole number",
            Self::F32 | Self::F64 => "a number",
            Self::Char | Self::String | Self::Enum(_) => "a string",
            Self::Bytes => "a string of base64",
            Self::List(_) | Self::Tuple(_) | Self::Flags(_) => "a list",
            Self::Record(_) => "an object",
            Self::Variant(_) => "an object with `tag`",
            Self::Result(..) => "an object with `ok` or `err`",
            Self::Json | Self::Option(_) => "a value",
        }
    }
}

fn read_fields(
    fields: &[Field],
    object: &Map<String, Value>,
    path: &Path<'_>,
    unknown: Unknown,
) -> Result<Vec<(String, Val)>> {
    let mut known = 0;
    let mut out = Vec::with_capacity(fields.len());
    for field in fields {
        let path = Path::Name(path, &field.json);
        let value = match object.get(&field.json) {
            Some(value) => {
                known += 1;
                field.shape.read_at(value, &path, unknown)?
            }
            None => field
                .shape
                .absent()
                .ok_or_else(|| fault(&path, "missing"))?,
        };
        out.push((field.name.clone(), value));
    }
    if known < object.len() && matches!(unknown, Unknown::Refuse) {
        let stranger = object.keys().find(|k| fields.iter().all(|f| f.json != **k));
        let names: Vec<&str> = fields.iter().map(|f| f.json.as_str()).collect();
        let known = match names.as_slice() {
            [] => "there are none".to_owned(),
            names => format!("known are {}", names.join(", ")),
        };
        let path = Path::Name(path, stranger.map_or("?", String::as_str));
        return Err(fault(&path, &format!("unknown name; {known}")));
    }
    Ok(out)
}

fn read_variant(
    cases: &[(String, Option<Shape>)],
    object: &Map<String, Value>,
    path: &Path<'_>,
    unknown: Unknown,
) -> Result<Val> {
    let at_tag = Path::Name(path, "tag");
    let tag = match object.get("tag") {
        Some(Value::String(tag)) => tag,
        Some(other) => return Err(expected(&at_tag, "a string", other)),
        None => return Err(fault(&at_tag, "missing")),
    };
    let tag = one_of(cases.iter().map(|(name, _)| name.as_str()), tag, &at_tag)?;
    if let Some(name) = object.keys().find(|k| *k != "tag" && *k != "value") {
        return Err(fault(
            &Path::Name(path, name),
            "unknown name; known are tag, value",
        ));
    }
    let shape = cases
        .iter()
        .find(|(name, _)| *name == tag)
        .and_then(|(_, s)| s.as_ref());
    let at_value = Path::Name(path, "value");
    let payload = match (shape, object.get("value")) {
        (Some(shape), Some(value)) => Some(shape.read_at(value, &at_value, unknown)?),
        (Some(shape), None) => Some(shape.absent().ok_or_else(|| fault(&at_value, "missing"))?),
        (None, None | Some(Value::Null)) => None,
        (None, Some(_)) => return Err(fault(&at_value, "this case has no value")),
    };
    Ok(Val::Variant(tag, payload.map(Box::new)))
}

fn read_result(
    [ok, err]: [Option<&Shape>; 2],
    object: &Map<String, Value>,
    path: &Path<'_>,
    unknown: Unknown,
) -> Result<Val> {
    let mut entries = object.iter();
    let (Some((word, value)), None) = (entries.next(), entries.next()) else {
        return Err(fault(path, "expected one of `ok` and `err`"));
    };
    let at = Path::Name(path, word);
    let side = |shape: Option<&Shape>| match (shape, value) {
        (Some(shape), value) => Ok(Some(Box::new(shape.read_at(value, &at, unknown)?))),
        (None, Value::Null) => Ok(None),
        (None, other) => Err(expected(&at, "null", other)),
    };
    match word.as_str() {
        "ok" => Ok(Val::Result(Ok(side(ok)?))),
        "err" => Ok(Val::Result(Err(side(err)?))),
        _ => Err(fault(path, "expected one of `ok` and `err`")),
    }
}

fn read_int(int: Int, number: &serde_json::Number, path: &Path<'_>) -> Result<Val> {
    let exact = i128::from(MAX_EXACT);
    let (low, high) = match int {
        Int::S8 => (i128::from(i8::MIN), i128::from(i8::MAX)),
        Int::U8 => (0, i128::from(u8::MAX)),
        Int::S16 => (i128::from(i16::MIN), i128::from(i16::MAX)),
        Int::U16 => (0, i128::from(u16::MAX)),
        Int::S32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        Int::U32 => (0, i128::from(u32::MAX)),
        Int::S64 => (-exact, exact),
        Int::U64 => (0, exact),
    };
    let wrong = || {
        fault(
            path,
            &format!("expected a whole number from {low} to {high}, found {number}"),
        )
    };
    let n = number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from));
    let n = n.filter(|n| (low..=high).contains(n)).ok_or_else(wrong)?;
    // The range is checked above; `ok_or_else` only says so to the compiler.
    Ok(match int {
        Int::S8 => Val::S8(n.try_into().map_err(|_| wrong())?),
        Int::U8 => Val::U8(n.try_into().map_err(|_| wrong())?),
        Int::S16 => Val::S16(n.try_into().map_err(|_| wrong())?),
        Int::U16 => Val::U16(n.try_into().map_err(|_| wrong())?),
        Int::S32 => Val::S32(n.try_into().map_err(|_| wrong())?),
        Int::U32 => Val::U32(n.try_into().map_err(|_| wrong())?),
        Int::S64 => Val::S64(n.try_into().map_err(|_| wrong())?),
        Int::U64 => Val::U64(n.try_into().map_err(|_| wrong())?),
    })
}

fn one_of<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    found: &str,
    path: &Path<'_>,
) -> Result<String> {
    if names.clone().any(|n| n == found) {
        return Ok(found.to_owned());
    }
    let names: Vec<&str> = names.collect();
    Err(fault(
        path,
        &format!("expected one of {}, found {found:?}", names.join(", ")),
    ))
}

fn expected(path: &Path<'_>, what: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    fault(path, &format!("expected {what}, found {found}"))
}

fn fault(path: &Path<'_>, what: &str) -> Error {
    let text = match path {
        Path::Root => what.to_owned(),
        path => format!("{path}: {what}"),
    };
    Error::new(kind::BAD_REQUEST, text)
}
