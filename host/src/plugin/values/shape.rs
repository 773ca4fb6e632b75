//! A type as JSON sees it: owned, with its JSON names made once.

use super::json_name;
use wasmtime::component::Type;

/// A type of a feature interface. Made once, used for every value: walking wasmtime's own types
/// clones reference counts at every step.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// `bool`.
    Bool,
    /// A whole number.
    Int(Int),
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `char`: a string of one character.
    Char,
    /// `string`.
    String,
    /// `list<u8>`: base64.
    Bytes,
    /// Any other list.
    List(Box<Shape>),
    /// The record of the single field `text: string` (`sat:host/types.json`): any JSON value.
    ///
    /// Types have no names at run time, so the fields decide.
    Json,
    /// Any other record.
    Record(Vec<Field>),
    /// `tuple`: an array.
    Tuple(Vec<Shape>),
    /// `variant`: `{"tag", "value"}`.
    Variant(Vec<(String, Option<Shape>)>),
    /// `enum`: a string.
    Enum(Vec<String>),
    /// `flags`: a list of strings.
    Flags(Vec<String>),
    /// `option`: absent or null when empty.
    Option(Box<Shape>),
    /// A nested `result`: `{"ok"}` or `{"err"}`.
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
}

/// A whole number's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Int {
    /// `s8`.
    S8,
    /// `u8`.
    U8,
    /// `s16`.
    S16,
    /// `u16`.
    U16,
    /// `s32`.
    S32,
    /// `u32`.
    U32,
    /// `s64`.
    S64,
    /// `u64`.
    U64,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in WIT.
    pub name: String,
    /// Its name in JSON.
    pub json: String,
    /// Its type.
    pub shape: Shape,
}

impl Shape {
    /// The shape of a type, or why no feature interface may use it.
    pub fn of(ty: &Type) -> Result<Self, String> {
        Ok(match ty {
            Type::Bool => Self::Bool,
            Type::S8 => Self::Int(Int::S8),
            Type::U8 => Self::Int(Int::U8),
            Type::S16 => Self::Int(Int::S16),
            Type::U16 => Self::Int(Int::U16),
            Type::S32 => Self::Int(Int::S32),
            Type::U32 => Self::Int(Int::U32),
            Type::S64 => Self::Int(Int::S64),
            Type::U64 => Self::Int(Int::U64),
            Type::Float32 => Self::F32,
            Type::Float64 => Self::F64,
            Type::Char => Self::Char,
            Type::String => Self::String,
            Type::List(list) => match list.ty() {
                Type::U8 => Self::Bytes,
                item => Self::List(Box::new(Self::of(&item)?)),
            },
            Type::Record(record) => {
                let fields = record.fields().map(|f| Field::of(f.name, &f.ty));
                let fields = fields.collect::<Result<Vec<_>, _>>()?;
                match fields.as_slice() {
                    [one] if one.name == "text" && one.shape == Self::String => Self::Json,
                    _ => Self::Record(fields),
                }
            }
            Type::Tuple(tuple) => Self::Tuple(
                tuple
                    .types()
                    .map(|t| Self::of(&t))
                    .collect::<Result<_, _>>()?,
            ),
            Type::Variant(variant) => {
                let case = |c: wasmtime::component::types::Case<'_>| {
                    Ok((c.name.to_owned(), c.ty.map(|t| Self::of(&t)).transpose()?))
                };
                Self::Variant(variant.cases().map(case).collect::<Result<_, String>>()?)
            }
            Type::Enum(names) => Self::Enum(names.names().map(str::to_owned).collect()),
            Type::Flags(names) => Self::Flags(names.names().map(str::to_owned).collect()),
            Type::Option(option) => match Self::of(&option.ty())? {
                Self::Option(_) => {
                    return Err("an option of an option can't be told apart in JSON".into());
                }
                some => Self::Option(Box::new(some)),
            },
            Type::Result(result) => {
                let side = |t: Option<Type>| t.map(|t| Self::of(&t).map(Box::new)).transpose();
                Self::Result(side(result.ok())?, side(result.err())?)
            }
            Type::Own(_) | Type::Borrow(_) => return Err("a resource can't cross plugins".into()),
            Type::Future(_) => return Err("a future can't cross plugins".into()),
            Type::Stream(_) => return Err("a stream can't cross plugins".into()),
            Type::ErrorContext | Type::Map(_) | Type::FixedLengthList(_) => {
                return Err(
                    "error contexts, maps and lists of a fixed length aren't part of the \
                            contract"
                        .into(),
                );
            }
        })
    }
}

impl Field {
    /// A field or parameter of that name and type; a reason names it.
    pub(super) fn of(name: &str, ty: &Type) -> Result<Self, String> {
        let shape = Shape::of(ty).map_err(|e| format!("`{name}`: {e}"))?;
        Ok(Self {
            name: name.to_owned(),
            json: json_name(name),
            shape,
        })
    }
}
