//! The OpenRPC document for people: one method, with the types that it uses.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::json::text;

/// A method's description, or nothing when the document hasn't got it.
pub(crate) fn describe(document: &Value, name: &str) -> Option<String> {
    let method = methods(document).find(|method| text(method, "name") == name)?;
    let mut out = format!("{name}\n");
    // The summary is the description's first paragraph, or all that there is.
    let description = text(method, "description");
    let about = if description.is_empty() {
        text(method, "summary")
    } else {
        description
    };
    paragraph(&mut out, "  ", &about);
    let mut used = Vec::new();
    let parameters = method.get("params").and_then(Value::as_array);
    for (number, parameter) in parameters.into_iter().flatten().enumerate() {
        if number == 0 {
            out.push_str("\nParameters\n");
        }
        field(
            &mut out,
            document,
            parameter,
            is_required(parameter),
            &mut used,
        );
    }
    if let Some(result) = method.get("result") {
        let schema = result.get("schema").unwrap_or(&Value::Null);
        out.push_str(&format!("\nResult\n  {}\n", type_name(schema, &mut used)));
        paragraph(&mut out, "      ", &text(result, "description"));
    }
    let errors = method.get("errors").and_then(Value::as_array);
    for (number, error) in errors.into_iter().flatten().enumerate() {
        if number == 0 {
            out.push_str("\nErrors\n");
        }
        let error = resolve(document, error);
        let kind = error
            .pointer("/data/kind")
            .map(crate::json::plain)
            .unwrap_or_default();
        let word = if kind.is_empty() {
            text(error, "code")
        } else {
            kind
        };
        out.push_str(&format!("  {word}  {}\n", text(error, "message")));
    }
    types(&mut out, document, used);
    Some(out)
}

/// Names and summaries of the methods whose name holds the word, those that begin with it first.
pub(crate) fn similar(document: &Value, word: &str) -> Vec<(String, String)> {
    let mut found: Vec<_> = methods(document)
        .map(|method| {
            let summary = text(method, "summary");
            let about = if summary.is_empty() {
                text(method, "description")
            } else {
                summary
            };
            (
                text(method, "name"),
                about.lines().next().unwrap_or_default().to_owned(),
            )
        })
        .filter(|(name, _)| name.contains(word))
        .collect();
    found.sort_by_key(|(name, _)| (!name.starts_with(word), name.clone()));
    found
}

fn methods(document: &Value) -> impl Iterator<Item = &Value> {
    document
        .get("methods")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The types that `used` names, and those that these use, each once.
fn types(out: &mut String, document: &Value, mut used: Vec<String>) {
    let mut shown = BTreeSet::new();
    while let Some(reference) = used.pop() {
        let known = reference
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer));
        let Some(schema) = known.filter(|_| shown.insert(reference.clone())) else {
            continue;
        };
        out.push_str(&format!("\n{}\n", last(&reference)));
        paragraph(out, "  ", &text(schema, "description"));
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| {
            required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)))
        };
        match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                for (name, property) in properties {
                    let parameter = serde_json::json!({"name": name, "schema": property});
                    field(out, document, &parameter, is_required(name), &mut used);
                }
            }
            None => out.push_str(&format!("  {}\n", type_name(schema, &mut used))),
        }
    }
}

fn is_required(parameter: &Value) -> bool {
    crate::json::is_true(parameter, "required")
}

fn field(
    out: &mut String,
    document: &Value,
    parameter: &Value,
    required: bool,
    used: &mut Vec<String>,
) {
    let parameter = resolve(document, parameter);
    let schema = parameter.get("schema").unwrap_or(&Value::Null);
    let optional = if required { "" } else { ", optional" };
    let kind = type_name(schema, used);
    out.push_str(&format!(
        "  {}: {kind}{optional}\n",
        text(parameter, "name")
    ));
    let own = text(parameter, "description");
    let about = if own.is_empty() && schema.get("$ref").is_none() {
        text(schema, "description")
    } else {
        own
    };
    paragraph(out, "      ", &about);
}

/// What a schema is called in a line; references go to `used`.
fn type_name(schema: &Value, used: &mut Vec<String>) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        used.push(reference.to_owned());
        return last(reference).to_owned();
    }
    for combination in ["oneOf", "anyOf", "allOf"] {
        if let Some(all) = schema.get(combination).and_then(Value::as_array) {
            let names: Vec<_> = all.iter().map(|one| type_name(one, used)).collect();
            return names.join(" or ");
        }
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(" | ");
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "array" => match schema.get("items") {
            Some(items @ Value::Object(_)) => format!("list of {}", type_name(items, used)),
            _ => "list".to_owned(),
        },
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => {
            let words: Vec<_> = kinds.iter().filter_map(Value::as_str).collect();
            words.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|r| r.strip_prefix('#'));
    pointer
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn paragraph(out: &mut String, indent: &str, text: &str) {
    for line in text.trim().lines() {
        out.push_str(&format!("{indent}{line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "methods": [
                {"name": "chat.send", "description": "Sends a message.\nSafely.", "params": [
                    {"name": "to", "description": "Bare or full JID.", "required": true,
                     "schema": {"type": "string"}},
                    {"name": "extra", "schema": {"type": "array",
                     "items": {"$ref": "#/components/schemas/chat.extra"}}},
                 ],
                 "result": {"name": "sent", "schema": {"$ref": "#/components/schemas/chat.sent"}},
                 "errors": [{"code": -1, "message": "No stream", "data": {"kind": "not-connected"}}]},
                {"name": "chat.search", "params": []},
                {"name": "archive.chat", "summary": "Else.", "params": []},
            ],
            "components": {"schemas": {
                "chat.extra": {"enum": ["a", "b"]},
                "chat.sent": {"type": "object", "description": "It.", "required": ["id"],
                    "properties": {"id": {"type": "string", "description": "Ours."},
                    "again": {"oneOf": [{"$ref": "#/components/schemas/chat.sent"}, {"type": "null"}]}}},
            }},
        })
    }

    #[test]
    fn a_method_with_its_types() {
        let expected = "\
chat.send
  Sends a message.
  Safely.

Parameters
  to: string
      Bare or full JID.
  extra: list of chat.extra, optional

Result
  chat.sent

Errors
  not-connected  No stream

chat.sent
  It.
  again: chat.sent or null, optional
  id: string
      Ours.

chat.extra
  \"a\" | \"b\"
";
        assert_eq!(describe(&document(), "chat.send").unwrap(), expected);
        assert_eq!(
            describe(&document(), "archive.chat").unwrap(),
            "archive.chat\n  Else.\n"
        );
        assert_eq!(describe(&document(), "chat.none"), None);
    }

    #[test]
    fn similar_names() {
        let names: Vec<_> = similar(&document(), "chat")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["chat.search", "chat.send", "archive.chat"]);
    }
}
