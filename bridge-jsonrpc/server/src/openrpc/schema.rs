//! JSON schemas of WIT types; named ones become components that others refer to.

use serde_json::{Map, Value, json};
use wit_parser::{Resolve, Type, TypeDef, TypeDefKind, TypeOwner};

/// The largest whole number in JSON.
const EXACT: u64 = (1 << 53) - 1;

/// Makes schemas, and collects those of named types.
pub(super) struct Schemas<'a> {
    pub(super) resolve: &'a Resolve,
    pub(super) out: &'a mut Map<String, Value>,
}

/// What a type is, behind its aliases.
pub(super) fn kind<'a>(resolve: &'a Resolve, ty: &Type) -> Option<&'a TypeDefKind> {
    let Type::Id(id) = ty else { return None };
    match &resolve.types.get(*id)?.kind {
        TypeDefKind::Type(alias) => kind(resolve, alias),
        kind => Some(kind),
    }
}

impl Schemas<'_> {
    /// Whether a value must be there: lists may be left out like options.
    pub(super) fn is_required(&self, ty: &Type) -> bool {
        !matches!(
            kind(self.resolve, ty),
            Some(TypeDefKind::Option(_) | TypeDefKind::List(_))
        )
    }

    /// The payload of a function's `result<…, error>`.
    pub(super) fn result_ok(&self, ty: &Type) -> Option<Type> {
        match kind(self.resolve, ty) {
            Some(TypeDefKind::Result(result)) => result.ok,
            _ => None,
        }
    }

    /// The schema of a type.
    pub(super) fn of(&mut self, ty: &Type) -> Value {
        let whole =
            |low: i64, high: u64| json!({"type": "integer", "minimum": low, "maximum": high});
        let exact = i64::try_from(EXACT).unwrap_or(i64::MAX);
        match ty {
            Type::Bool => json!({"type": "boolean"}),
            Type::U8 => whole(0, u8::MAX.into()),
            Type::U16 => whole(0, u16::MAX.into()),
            Type::U32 => whole(0, u32::MAX.into()),
            Type::U64 => whole(0, EXACT),
            Type::S8 => json!({"type": "integer", "minimum": i8::MIN, "maximum": i8::MAX}),
            Type::S16 => json!({"type": "integer", "minimum": i16::MIN, "maximum": i16::MAX}),
            Type::S32 => json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}),
            Type::S64 => whole(-exact, EXACT),
            Type::F32 | Type::F64 => json!({"type": "number"}),
            Type::Char => json!({"type": "string", "minLength": 1, "maxLength": 1}),
            Type::String => json!({"type": "string"}),
            Type::ErrorContext => json!({}),
            Type::Id(id) => match self.resolve.types.get(*id) {
                Some(def) => self.of_def(def),
                None => json!({}),
            },
        }
    }

    fn of_def(&mut self, def: &TypeDef) -> Value {
        if let TypeDefKind::Type(alias) = &def.kind {
            return self.of(alias);
        }
        let Some(name) = self.name(def) else {
            return self.inline(def);
        };
        if name == "host.json" {
            return json!({"description": "Any JSON value"});
        }
        if !self.out.contains_key(&name) {
            // WIT types can't contain themselves; the place is taken first all the same.
            self.out.insert(name.clone(), Value::Null);
            let mut schema = self.inline(def);
            if let (Some(object), Some(docs)) = (schema.as_object_mut(), &def.docs.contents) {
                object.insert("description".into(), docs.as_str().into());
            }
            self.out.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// `chat.message`, `acme.weather.place`.
    fn name(&self, def: &TypeDef) -> Option<String> {
        let (name, TypeOwner::Interface(owner)) = (def.name.as_deref()?, def.owner) else {
            return None;
        };
        let package = &self
            .resolve
            .packages
            .get(self.resolve.interfaces.get(owner)?.package?)?
            .name;
        Some(match package.namespace.as_str() {
            "sat" => format!("{}.{name}", package.name),
            other => format!("{other}.{}.{name}", package.name),
        })
    }

    fn inline(&mut self, def: &TypeDef) -> Value {
        match &def.kind {
            TypeDefKind::Record(record) => {
                let (mut properties, mut required) = (Map::new(), Vec::new());
                for field in &record.fields {
                    let name = field.name.replace('-', "_");
                    let mut schema = self.of(&field.ty);
                    if let (Some(object), Some(docs)) =
                        (schema.as_object_mut(), &field.docs.contents)
                    {
                        object.insert("description".into(), docs.as_str().into());
                    }
                    if !matches!(kind(self.resolve, &field.ty), Some(TypeDefKind::Option(_))) {
                        required.push(name.clone());
                    }
                    properties.insert(name, schema);
                }
                json!({"type": "object", "properties": properties, "required": required})
            }
            TypeDefKind::Flags(flags) => {
                let names: Vec<&str> = flags.flags.iter().map(|f| f.name.as_str()).collect();
                json!({"type": "array", "uniqueItems": true, "items": {"enum": names}})
            }
            TypeDefKind::Enum(cases) => {
                let names: Vec<&str> = cases.cases.iter().map(|c| c.name.as_str()).collect();
                json!({"type": "string", "enum": names})
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter().map(|case| match &case.ty {
                    Some(ty) => {
                        let value = self.of(ty);
                        json!({"type": "object", "required": ["tag", "value"], "properties": {"tag": {"const": case.name}, "value": value}})
                    }
                    None => json!({"type": "object", "required": ["tag"], "properties": {"tag": {"const": case.name}}}),
                });
                json!({"oneOf": cases.collect::<Vec<_>>()})
            }
            TypeDefKind::Tuple(tuple) => {
                let items: Vec<Value> = tuple.types.iter().map(|t| self.of(t)).collect();
                json!({"type": "array", "minItems": items.len(), "maxItems": items.len(), "items": items})
            }
            TypeDefKind::List(Type::U8) => json!({"type": "string", "contentEncoding": "base64"}),
            TypeDefKind::List(item) => json!({"type": "array", "items": self.of(item)}),
            TypeDefKind::Option(some) => self.of(some),
            TypeDefKind::Result(result) => {
                let mut side = |name: &str, ty: Option<Type>| {
                    let schema = ty.map_or(json!({"type": "null"}), |t| self.of(&t));
                    json!({"type": "object", "required": [name], "properties": {name: schema}})
                };
                json!({"oneOf": [side("ok", result.ok), side("err", result.err)]})
            }
            // Refused when a plugin that uses them is loaded.
            _ => json!({}),
        }
    }
}
