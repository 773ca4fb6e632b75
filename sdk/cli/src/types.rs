//! Types of WIT: as texts to compare and to show, and what the backend makes of them.
//!
//! The rules are those of the backend, which applies them to what the engine sees
//! (`host/src/plugin/values/`).

use sat_manifest::names::RESERVED_PARAMETERS;
use wit_parser::{Function, FunctionKind, Handle, Resolve, Type, TypeDef, TypeDefKind, TypeOwner};

/// A function's type with all names of types replaced by what they stand for: two functions can
/// be called for each other when these texts are equal.
pub(crate) fn structure(resolve: &Resolve, function: &Function) -> String {
    write_function(function, &|ty| whole(resolve, ty))
}

/// A function's type as it is written in WIT.
pub(crate) fn spelled(resolve: &Resolve, function: &Function) -> String {
    write_function(function, &|ty| named(resolve, ty))
}

fn write_function(function: &Function, text: &dyn Fn(&Type) -> String) -> String {
    let params = function
        .params
        .iter()
        .map(|p| format!("{}: {}", p.name, text(&p.ty)));
    let params = params.collect::<Vec<_>>().join(", ");
    let result = function
        .result
        .as_ref()
        .map(|ty| format!(" -> {}", text(ty)));
    let word = if is_async(function) {
        "async func"
    } else {
        "func"
    };
    format!("{word}({params}){}", result.unwrap_or_default())
}

/// Whether it is an `async func`.
pub(crate) fn is_async(function: &Function) -> bool {
    matches!(
        function.kind,
        FunctionKind::AsyncFreestanding
            | FunctionKind::AsyncMethod(_)
            | FunctionKind::AsyncStatic(_)
    )
}

/// What a type stands for, without the names of types in it.
pub(crate) fn whole(resolve: &Resolve, ty: &Type) -> String {
    match definition(resolve, ty) {
        Some(def) => kind(resolve, &def.kind, &|ty| whole(resolve, ty)),
        None => named(resolve, ty),
    }
}

/// A type by its name, where it has one.
pub(crate) fn named(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Id(id) => match resolve.types.get(*id) {
            Some(TypeDef {
                name: Some(name), ..
            }) => name.clone(),
            Some(def) => kind(resolve, &def.kind, &|ty| named(resolve, ty)),
            None => "?".into(),
        },
        Type::Bool => "bool".into(),
        Type::U8 => "u8".into(),
        Type::U16 => "u16".into(),
        Type::U32 => "u32".into(),
        Type::U64 => "u64".into(),
        Type::S8 => "s8".into(),
        Type::S16 => "s16".into(),
        Type::S32 => "s32".into(),
        Type::S64 => "s64".into(),
        Type::F32 => "f32".into(),
        Type::F64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        Type::ErrorContext => "error-context".into(),
    }
}

/// The definition of a type behind all its aliases; none for a primitive one.
pub(crate) fn definition<'a>(resolve: &'a Resolve, ty: &Type) -> Option<&'a TypeDef> {
    let Type::Id(id) = ty else { return None };
    let mut def = resolve.types.get(*id)?;
    while let TypeDefKind::Type(next) = &def.kind {
        let Type::Id(id) = next else { return None };
        def = resolve.types.get(*id)?;
    }
    Some(def)
}

/// `sat:chat/types.message`, without a version: where a type is defined.
pub(crate) fn home(resolve: &Resolve, def: &TypeDef) -> Option<String> {
    let name = def.name.as_deref()?;
    let TypeOwner::Interface(id) = def.owner else {
        return None;
    };
    let full = resolve.id_of(id)?;
    let interface = full.split('@').next().unwrap_or(&full);
    Some(format!("{interface}.{name}"))
}

/// What is in a definition, with `text` for the types in it.
pub(crate) fn kind(
    resolve: &Resolve,
    kind: &TypeDefKind,
    text: &dyn Fn(&Type) -> String,
) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let may = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".into(), text);
    match kind {
        TypeDefKind::Record(record) => {
            let fields = record
                .fields
                .iter()
                .map(|f| format!("{}: {}", f.name, text(&f.ty)));
            format!("record {{ {} }}", list(fields.collect()))
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter().map(|c| match &c.ty {
                Some(ty) => format!("{}({})", c.name, text(ty)),
                None => c.name.clone(),
            });
            format!("variant {{ {} }}", list(cases.collect()))
        }
        TypeDefKind::Enum(cases) => {
            let cases = cases.cases.iter().map(|c| c.name.clone());
            format!("enum {{ {} }}", list(cases.collect()))
        }
        TypeDefKind::Flags(flags) => {
            let flags = flags.flags.iter().map(|f| f.name.clone());
            format!("flags {{ {} }}", list(flags.collect()))
        }
        TypeDefKind::Tuple(tuple) => {
            format!("tuple<{}>", list(tuple.types.iter().map(text).collect()))
        }
        TypeDefKind::Option(ty) => format!("option<{}>", text(ty)),
        TypeDefKind::List(ty) => format!("list<{}>", text(ty)),
        TypeDefKind::Map(key, value) => format!("map<{}, {}>", text(key), text(value)),
        TypeDefKind::FixedLengthList(ty, n) => format!("list<{}, {n}>", text(ty)),
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (None, None) => "result".into(),
            (ok, None) => format!("result<{}>", may(ok)),
            (ok, err) => format!("result<{}, {}>", may(ok), may(err)),
        },
        TypeDefKind::Future(ty) => format!("future<{}>", may(ty)),
        TypeDefKind::Stream(ty) => format!("stream<{}>", may(ty)),
        TypeDefKind::Type(ty) => text(ty),
        TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", named(resolve, &Type::Id(*id))),
        TypeDefKind::Handle(Handle::Borrow(id)) => {
            format!("borrow<{}>", named(resolve, &Type::Id(*id)))
        }
        TypeDefKind::Resource => "resource".into(),
        TypeDefKind::Unknown => "?".into(),
    }
}

/// The types in a definition.
pub(crate) fn parts(kind: &TypeDefKind) -> Vec<Type> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|f| f.ty).collect(),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|c| c.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Option(ty)
        | TypeDefKind::List(ty)
        | TypeDefKind::FixedLengthList(ty, _)
        | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Map(key, value) => vec![*key, *value],
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => ty.iter().copied().collect(),
        TypeDefKind::Enum(_)
        | TypeDefKind::Flags(_)
        | TypeDefKind::Handle(_)
        | TypeDefKind::Resource
        | TypeDefKind::Unknown => Vec::new(),
    }
}

/// Why JSON has no form for a type.
fn refused(resolve: &Resolve, ty: &Type) -> Option<String> {
    if matches!(ty, Type::ErrorContext) {
        return Some("an error-context isn't part of the contract".into());
    }
    let def = definition(resolve, ty)?;
    match &def.kind {
        TypeDefKind::Option(inner) => {
            let nested = definition(resolve, inner);
            if nested.is_some_and(|d| matches!(d.kind, TypeDefKind::Option(_))) {
                return Some(
                    "an option of an option can't be told apart in JSON: use a variant".into(),
                );
            }
        }
        TypeDefKind::Handle(_) | TypeDefKind::Resource => {
            return Some("a resource can't cross plugins: pass an id as a string".into());
        }
        TypeDefKind::Future(_) => {
            return Some("a future can't cross plugins: the function is async itself".into());
        }
        TypeDefKind::Stream(_) => {
            return Some("a stream can't cross plugins: return pages, or emit events".into());
        }
        TypeDefKind::Map(..) => {
            return Some("a map isn't part of the contract: use a list of tuples".into());
        }
        TypeDefKind::FixedLengthList(..) => {
            return Some(
                "a list of a fixed length isn't part of the contract: use a list or a tuple".into(),
            );
        }
        _ => {}
    }
    parts(&def.kind).iter().find_map(|ty| refused(resolve, ty))
}

/// Why a function can't be one of a feature interface, and what to do.
pub(crate) fn not_offered(resolve: &Resolve, function: &Function) -> Option<String> {
    if !is_async(function) {
        let name = &function.name;
        return Some(format!(
            "it isn't `async func`, and can't become one later: write `{name}: async func(…)` in the WIT \
             and `async fn` in the code"
        ));
    }
    let fault =
        |name: &str, ty| refused(resolve, ty).map(|why| format!("parameter `{name}`: {why}"));
    if let Some(why) = function.params.iter().find_map(|p| fault(&p.name, &p.ty)) {
        return Some(why);
    }
    if let Some(name) = parameter_names(resolve, function)
        .into_iter()
        .find(|name| RESERVED_PARAMETERS.contains(&name.as_str()))
    {
        return Some(format!(
            "the parameter name `{name}` is the bridge's own: choose another"
        ));
    }
    let returned = function
        .result
        .as_ref()
        .and_then(|ty| definition(resolve, ty));
    let Some(TypeDefKind::Result(result)) = returned.map(|def| &def.kind) else {
        return Some(
            "it doesn't return `result<…, error>`, so its failures can't be told: add it".into(),
        );
    };
    let error = result.err.as_ref().map(|ty| whole(resolve, ty));
    if error.as_deref() != Some("record { code: string, message: string }") {
        return Some(
            "its result's error isn't `error` of sat:host/types: write \
             `use sat:host/types@0.1.0.{error};` and `result<…, error>`"
                .into(),
        );
    }
    let ok = result.ok.as_ref()?;
    refused(resolve, ok).map(|why| format!("result: {why}"))
}

/// Why a function can't be an event.
pub(crate) fn no_event(resolve: &Resolve, function: &Function) -> Option<String> {
    match (
        function.params.as_slice(),
        is_async(function),
        &function.result,
    ) {
        ([record], true, None) => refused(resolve, &record.ty),
        _ => Some("it must be `async func` with one record and no result".into()),
    }
}

/// What JSON calls the parameters: a single record `request` lends them its fields.
fn parameter_names(resolve: &Resolve, function: &Function) -> Vec<String> {
    if let [one] = function.params.as_slice()
        && one.name == "request"
        && let Some(TypeDefKind::Record(record)) = definition(resolve, &one.ty).map(|d| &d.kind)
    {
        return record.fields.iter().map(|f| f.name.clone()).collect();
    }
    function.params.iter().map(|p| p.name.clone()).collect()
}
