//! JSON ↔ component values, by the component's own types (design §2, "JSON rules").
//!
//! A [`Shape`] is a type as JSON sees it; a [`Signature`] is a feature function's parameters and
//! result. Make a signature once per function and keep it: the functions at the end of this file
//! make one per call.

mod read;
mod shape;
mod signature;
#[cfg(test)]
mod tests;
mod write;

pub use shape::Shape;
pub use signature::Signature;

use crate::error::Result;
use serde_json::{Map, Value, value::RawValue};
use wasmtime::component::{
    Type, Val,
    types::{self, ComponentFunc},
};

/// The largest whole number that every JSON reader keeps exact: 2^53 − 1.
const MAX_EXACT: u64 = (1 << 53) - 1;

/// How deep a `sat:host/types.json` value may nest; readers commonly stop at 128 in all.
const MAX_JSON_DEPTH: usize = 64;

/// A name of WIT as JSON has it: `edited-at` becomes `edited_at`.
pub fn json_name(kebab: &str) -> String {
    kebab.replace('-', "_")
}

/// The arguments of a call from its JSON parameters (without `profile`).
pub fn params_from_json(func: &ComponentFunc, params: &Map<String, Value>) -> Result<Vec<Val>> {
    Signature::of(func)?.params(params)
}

/// The JSON of what a feature function returned: `result` is its whole `result<T, error>` and
/// `ty` that type. The error record becomes an [`Error`](crate::Error) of the same word.
pub fn result_to_json(result: &Val, ty: Option<Type>) -> Result<Box<RawValue>> {
    signature::answer(result, ty.as_ref())
}

/// The JSON text of an event's record.
pub fn event_to_json(event: &Val, ty: &Type) -> Result<String> {
    Shape::of(ty).map_err(signature::incompatible)?.write(event)
}

/// The record of an event from its JSON text.
///
/// Unlike a call's parameters, an event may have fields that this receiver doesn't know: they
/// are left out, so that a provider may be newer than its receivers.
pub fn event_from_json(ty: &Type, text: &str) -> Result<Val> {
    Shape::of(ty)
        .map_err(signature::incompatible)?
        .read_event(text)
}

/// Why a function can't be one of a feature interface; `None` when it can.
pub fn refused(func: &types::ComponentFunc) -> Option<String> {
    Signature::checked(func).err()
}
