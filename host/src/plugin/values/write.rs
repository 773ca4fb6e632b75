//! Component values to JSON text, without a tree of JSON values in between.

use super::{MAX_EXACT, MAX_JSON_DEPTH, Shape, shape::Int};
use crate::error::{Error, Result, kind};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fmt::Write;
use wasmtime::component::Val;

impl Shape {
    /// The JSON text of a value of this shape.
    pub fn write(&self, value: &Val) -> Result<String> {
        let mut out = String::with_capacity(128);
        self.write_to(value, &mut out)?;
        Ok(out)
    }

    fn write_to(&self, value: &Val, out: &mut String) -> Result<()> {
        match (self, value) {
            (Self::Bool, Val::Bool(b)) => out.push_str(if *b { "true" } else { "false" }),
            (Self::Int(int), value) => write_int(*int, value, out)?,
            (Self::F32, Val::Float32(f)) if f.is_finite() => number(f, out)?,
            (Self::F64, Val::Float64(f)) if f.is_finite() => number(f, out)?,
            (Self::F32 | Self::F64, Val::Float32(_) | Val::Float64(_)) => {
                return Err(unsendable("NaN or an infinity"));
            }
            (Self::Char, Val::Char(c)) => string(c.encode_utf8(&mut [0; 4]), out),
            (Self::String, Val::String(s)) => string(s, out),
            (Self::Bytes, Val::List(items)) => bytes(items, out)?,
            (Self::List(item), Val::List(items)) => {
                array(items.iter().map(|v| (item.as_ref(), v)), out)?;
            }
            (Self::Json, Val::Record(fields)) => match fields.as_slice() {
                [(_, Val::String(text))] => out.push_str(checked_json(text)?),
                _ => return Err(mismatch()),
            },
            (Self::Record(shapes), Val::Record(fields)) if shapes.len() == fields.len() => {
                out.push('{');
                let mut comma = false;
                for (field, (_, value)) in shapes.iter().zip(fields) {
                    if matches!(value, Val::Option(None)) {
                        continue;
                    }
                    if std::mem::replace(&mut comma, true) {
                        out.push(',');
                    }
                    // A WIT name needs no escape.
                    out.push('"');
                    out.push_str(&field.json);
                    out.push_str("\":");
                    field.shape.write_to(value, out)?;
                }
                out.push('}');
            }
            (Self::Tuple(shapes), Val::Tuple(items)) if shapes.len() == items.len() => {
                array(shapes.iter().zip(items), out)?;
            }
            (Self::Variant(cases), Val::Variant(tag, payload)) => {
                let (_, shape) = cases.iter().find(|(n, _)| n == tag).ok_or_else(mismatch)?;
                out.push_str("{\"tag\":\"");
                out.push_str(tag);
                out.push('"');
                if let Some(shape) = shape {
                    out.push_str(",\"value\":");
                    shape.write_to(payload.as_deref().ok_or_else(mismatch)?, out)?;
                }
                out.push('}');
            }
            (Self::Enum(_), Val::Enum(name)) => string(name, out),
            (Self::Flags(_), Val::Flags(names)) => {
                out.push('[');
                for (i, name) in names.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    string(name, out);
                }
                out.push(']');
            }
            (Self::Option(_), Val::Option(None)) => out.push_str("null"),
            (Self::Option(some), Val::Option(Some(value))) => some.write_to(value, out)?,
            (Self::Result(ok, err), Val::Result(result)) => {
                let (word, shape, value) = match result {
                    Ok(value) => ("{\"ok\":", ok, value),
                    Err(value) => ("{\"err\":", err, value),
                };
                out.push_str(word);
                match (shape, value) {
                    (Some(shape), Some(value)) => shape.write_to(value, out)?,
                    (None, None) => out.push_str("null"),
                    _ => return Err(mismatch()),
                }
                out.push('}');
            }
            _ => return Err(mismatch()),
        }
        Ok(())
    }
}

fn write_int(int: Int, value: &Val, out: &mut String) -> Result<()> {
    let value: i128 = match (int, value) {
        (Int::S8, Val::S8(n)) => i128::from(*n),
        (Int::U8, Val::U8(n)) => i128::from(*n),
        (Int::S16, Val::S16(n)) => i128::from(*n),
        (Int::U16, Val::U16(n)) => i128::from(*n),
        (Int::S32, Val::S32(n)) => i128::from(*n),
        (Int::U32, Val::U32(n)) => i128::from(*n),
        (Int::S64, Val::S64(n)) => i128::from(*n),
        (Int::U64, Val::U64(n)) => i128::from(*n),
        _ => return Err(mismatch()),
    };
    if value.unsigned_abs() > u128::from(MAX_EXACT) {
        return Err(unsendable("a whole number beyond 2^53 − 1"));
    }
    let _ = write!(out, "{value}");
    Ok(())
}

fn array<'a>(items: impl Iterator<Item = (&'a Shape, &'a Val)>, out: &mut String) -> Result<()> {
    out.push('[');
    for (i, (shape, value)) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        shape.write_to(value, out)?;
    }
    out.push(']');
    Ok(())
}

fn bytes(items: &[Val], out: &mut String) -> Result<()> {
    let byte = |v: &Val| match v {
        Val::U8(b) => Ok(*b),
        _ => Err(mismatch()),
    };
    let raw = items.iter().map(byte).collect::<Result<Vec<u8>>>()?;
    out.push('"');
    STANDARD.encode_string(raw, out);
    out.push('"');
    Ok(())
}

/// A JSON string with its quotes; characters that need no escape are copied in runs.
fn string(text: &str, out: &mut String) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut plain = 0;
    for (i, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(text.get(plain..i).unwrap_or_default());
        plain = i + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.push_str(text.get(plain..).unwrap_or_default());
    out.push('"');
}

/// A finite float, with the fewest digits that tell it apart (and exponents, as JSON allows).
fn number(f: &impl serde::Serialize, out: &mut String) -> Result<()> {
    out.push_str(&serde_json::to_string(f).map_err(|_| mismatch())?);
    Ok(())
}

/// The text of a `json` record, if it is JSON that every reader takes.
fn checked_json(text: &str) -> Result<&str> {
    let text = text.trim();
    let bad = || unsendable("a `json` record whose text isn't JSON");
    if depth(text) > MAX_JSON_DEPTH {
        return Err(unsendable("a `json` record that nests too deep"));
    }
    // Skipping values is quick but lets halves of surrogate pairs through.
    if text.contains("\\u") {
        serde_json::from_str::<Value>(text).map_err(|_| bad())?;
    } else {
        serde_json::from_str::<IgnoredAny>(text).map_err(|_| bad())?;
    }
    Ok(text)
}

/// How deep a JSON text nests; no more than a guess for what isn't JSON.
fn depth(text: &str) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

fn unsendable(what: &str) -> Error {
    Error::new(
        kind::INCOMPATIBLE,
        format!("The plugin returned {what}, which JSON can't carry"),
    )
}

fn mismatch() -> Error {
    Error::new(
        kind::INCOMPATIBLE,
        "The plugin returned a value of another type than it declares",
    )
}
