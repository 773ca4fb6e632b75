//! A feature function's parameters and result.

use super::{Shape, shape::Field};
use crate::error::{Error, Result, kind};
use sat_manifest::names::RESERVED_PARAMETERS;
use serde_json::{Map, Value, value::RawValue};
use wasmtime::component::{Type, Val, types::ComponentFunc};

/// The longest message of a plugin that is passed on, in characters.
const MAX_MESSAGE: usize = 4000;

/// What a feature function takes and returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    params: Vec<Field>,
    /// Whether the one parameter is a record named `request`, whose fields are the parameters.
    spread: bool,
    ok: Option<Shape>,
}

impl Signature {
    /// The signature of a function that was accepted at load.
    pub fn of(func: &ComponentFunc) -> Result<Self> {
        Self::checked(func).map_err(incompatible)
    }

    /// The signature, or why the function can't be one of a feature interface.
    pub fn checked(func: &ComponentFunc) -> Result<Self, String> {
        if !func.async_() {
            return Err("it isn't `async func`".into());
        }
        let params = func.params().map(|(name, ty)| Field::of(name, &ty));
        let params = params
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| format!("parameter {e}"))?;
        let fields = match params.as_slice() {
            [
                Field {
                    name,
                    shape: Shape::Record(fields),
                    ..
                },
            ] if name == "request" => Some(fields),
            _ => None,
        };
        let named = fields.unwrap_or(&params);
        if let Some(name) = named
            .iter()
            .find(|f| RESERVED_PARAMETERS.contains(&f.name.as_str()))
        {
            return Err(format!(
                "the parameter name `{}` is the bridge's own",
                name.name
            ));
        }
        let results: Vec<Type> = func.results().collect();
        let [Type::Result(result)] = results.as_slice() else {
            return Err("it doesn't return `result<…, error>`".into());
        };
        if !result.err().is_some_and(|e| is_error(&e)) {
            return Err("its result's error isn't `error` of sat:host/types".into());
        }
        let ok = result.ok().map(|t| Shape::of(&t)).transpose();
        let ok = ok.map_err(|e| format!("result: {e}"))?;
        let spread = fields.is_some();
        Ok(Self { params, spread, ok })
    }

    /// The arguments of a call from its JSON parameters (without `profile`).
    pub fn params(&self, params: &Map<String, Value>) -> Result<Vec<Val>> {
        match self.params.as_slice() {
            [
                Field {
                    shape: Shape::Record(fields),
                    ..
                },
            ] if self.spread => Ok(vec![Val::Record(Shape::read_fields(fields, params)?)]),
            fields => {
                let named = Shape::read_fields(fields, params)?;
                Ok(named.into_iter().map(|(_, value)| value).collect())
            }
        }
    }

    /// The JSON of what the function returned; the error record becomes an [`Error`].
    pub fn result(&self, result: &Val) -> Result<Box<RawValue>> {
        finish(result, self.ok.as_ref())
    }
}

/// As [`Signature::result`], from the type of the result.
pub(super) fn answer(result: &Val, ty: Option<&Type>) -> Result<Box<RawValue>> {
    let ok = match ty {
        Some(Type::Result(result)) => result.ok(),
        _ => None,
    };
    finish(
        result,
        ok.map(|t| Shape::of(&t))
            .transpose()
            .map_err(incompatible)?
            .as_ref(),
    )
}

fn finish(result: &Val, ok: Option<&Shape>) -> Result<Box<RawValue>> {
    match (result, ok) {
        (Val::Result(Ok(None)), None) => Ok(RawValue::NULL.to_owned()),
        (Val::Result(Ok(Some(value))), Some(shape)) => RawValue::from_string(shape.write(value)?)
            .map_err(|e| Error::internal("Write the answer as JSON", e)),
        (Val::Result(Err(Some(error))), _) => Err(plugin_error(error)),
        _ => Err(incompatible(
            "the answer isn't of the function's type".into(),
        )),
    }
}

pub(super) fn incompatible(reason: String) -> Error {
    Error::new(
        kind::INCOMPATIBLE,
        format!("The plugin's interface can't be used: {reason}"),
    )
}

/// Whether this is `error` of `sat:host/types`.
fn is_error(ty: &Type) -> bool {
    let Type::Record(record) = ty else {
        return false;
    };
    record
        .fields()
        .map(|f| (f.name, f.ty))
        .eq([("code", Type::String), ("message", Type::String)])
}

/// What a plugin says, held to the form of our own errors: the word is for programs, so one
/// that isn't a word is replaced.
fn plugin_error(error: &Val) -> Error {
    let (mut code, mut message) = ("", "");
    if let Val::Record(fields) = error {
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("code", Val::String(s)) => code = s,
                ("message", Val::String(s)) => message = s,
                _ => {}
            }
        }
    }
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_word = !code.is_empty() && code.len() <= 64 && code.chars().all(word);
    let code = if is_word { code } else { "plugin-error" };
    Error::new(
        code.to_owned(),
        message.chars().take(MAX_MESSAGE).collect::<String>(),
    )
}
