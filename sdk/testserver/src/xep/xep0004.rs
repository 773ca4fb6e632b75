//! XEP-0004: Data Forms, as the other extensions use them.

use crate::{
    ns,
    xml::{Build, el},
};
use minidom::Element;
use std::collections::BTreeMap;

/// Values of the fields by their name.
pub(crate) type Fields = BTreeMap<String, Vec<String>>;

/// The fields of the form inside an element; none when there is no form.
pub(crate) fn read(parent: &Element) -> Option<Fields> {
    let form = parent.get_child("x", ns::DATA)?;
    let fields = form.children().filter(|child| child.is("field", ns::DATA));
    let fields = fields.filter_map(|field| {
        let values = field.children().filter(|v| v.is("value", ns::DATA));
        let values = values.map(Element::text).collect();
        Some((field.attr("var")?.to_owned(), values))
    });
    Some(fields.collect())
}

/// Whether the form inside an element cancels.
pub(crate) fn is_cancel(parent: &Element) -> bool {
    let form = parent.get_child("x", ns::DATA);
    form.is_some_and(|form| form.attr("type") == Some("cancel"))
}

/// The first value of a field.
pub(crate) fn value<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name)?.first().map(String::as_str)
}

/// A form of this kind and `FORM_TYPE`.
pub(crate) fn form(kind: &str, form_type: &str) -> Element {
    el("x", ns::DATA)
        .with("type", kind)
        .child(field("FORM_TYPE", "hidden", &[form_type]))
}

/// A field.
pub(crate) fn field(name: &str, kind: &str, values: &[&str]) -> Element {
    let values = values.iter().map(|value| el("value", ns::DATA).say(value));
    el("field", ns::DATA)
        .with("var", name)
        .with("type", kind)
        .all(values)
}

/// What XEP-0004 §3.3 allows as boolean.
pub(crate) fn is_true(value: &str) -> bool {
    matches!(value, "1" | "true")
}
