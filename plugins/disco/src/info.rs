//! disco#info: identities, features and forms (XEP-0030 §3, XEP-0128).

use crate::bindings::sat::disco::types::{Field, Form, Identity, Info};
use sat_sdk::{
    Error,
    xml::{self, Element, escape},
};

pub(crate) const NS: &str = "http://jabber.org/protocol/disco#info";

/// Data forms (XEP-0004).
const FORMS: &str = "jabber:x:data";

/// Reads a `<query/>`. What lacks a required attribute is left out.
pub(crate) fn read(query: &Element) -> Result<Info, Error> {
    if !query.is("query", NS) {
        return Err(Error::new("bad-answer", "this is not disco#info"));
    }
    let children = |name| query.children().filter(move |e| e.is(name, NS));
    Ok(Info {
        identities: children("identity").filter_map(identity).collect(),
        features: children("feature")
            .filter_map(|e| e.attr("var").map(str::to_owned))
            .collect(),
        forms: forms(query).filter_map(form).collect(),
    })
}

/// The elements inside a `<query/>` that say this.
pub(crate) fn write(info: &Info) -> String {
    let mut out = String::new();
    for Identity {
        category,
        kind,
        name,
        lang,
    } in &info.identities
    {
        let lang = attribute("xml:lang", lang.as_deref());
        let name = attribute("name", name.as_deref());
        let (category, kind) = (escape(category), escape(kind));
        out += &format!("<identity category='{category}' type='{kind}'{lang}{name}/>");
    }
    for feature in &info.features {
        out += &format!("<feature var='{}'/>", escape(feature));
    }
    for form in &info.forms {
        let form_type = escape(&form.form_type);
        out += &format!(
            "<x xmlns='{FORMS}' type='result'>\
             <field var='FORM_TYPE' type='hidden'><value>{form_type}</value></field>"
        );
        for field in &form.fields {
            out += &format!("<field var='{}'>", escape(&field.var));
            for value in &field.values {
                out += &format!("<value>{}</value>", escape(value));
            }
            out += "</field>";
        }
        out += "</x>";
    }
    out
}

/// An attribute, or nothing.
pub(crate) fn attribute(name: &str, value: Option<&str>) -> String {
    value
        .map(|value| format!(" {name}='{}'", escape(value)))
        .unwrap_or_default()
}

/// The forms of a `<query/>`.
pub(crate) fn forms(query: &Element) -> impl Iterator<Item = &Element> {
    query.children().filter(|e| e.is("x", FORMS))
}

/// The values of a form's FORM_TYPE; none when it isn't a hidden field, and so not one
/// (XEP-0068 §3.1).
pub(crate) fn form_types(form: &Element) -> Vec<String> {
    let mut fields = fields(form).filter(|f| f.attr("var") == Some("FORM_TYPE"));
    fields
        .find(|f| f.attr("type") == Some("hidden"))
        .map(values)
        .unwrap_or_default()
}

fn form(element: &Element) -> Option<Form> {
    let form_type = form_types(element).into_iter().next()?;
    let fields = fields(element)
        .filter_map(|f| {
            Some(Field {
                var: f.attr("var")?.to_owned(),
                values: values(f),
            })
        })
        .filter(|f| f.var != "FORM_TYPE")
        .collect();
    Some(Form { form_type, fields })
}

fn fields(form: &Element) -> impl Iterator<Item = &Element> {
    form.children().filter(|e| e.is("field", FORMS))
}

fn values(field: &Element) -> Vec<String> {
    field
        .children()
        .filter(|e| e.is("value", FORMS))
        .map(Element::text)
        .collect()
}

fn identity(element: &Element) -> Option<Identity> {
    Some(Identity {
        category: element.attr("category")?.to_owned(),
        kind: element.attr("type")?.to_owned(),
        name: element.attr("name").map(str::to_owned),
        lang: xml::lang(element).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer;

    #[test]
    fn writes_what_it_reads() {
        let inside = "<identity category='client' type='pc' xml:lang='el' name='&lt;Ψ&gt;'/>\
            <feature var='a&amp;b'/><x xmlns='jabber:x:data' type='result'>\
            <field var='FORM_TYPE' type='hidden'><value>f</value></field>\
            <field var='os'><value>a</value><value>b</value></field></x>";
        let info = read(&xml::parse(&answer::query(NS, None, inside)).unwrap()).unwrap();
        assert_eq!(info.identities[0].name.as_deref(), Some("<Ψ>"));
        assert_eq!(info.features, ["a&b"]);
        assert_eq!(info.forms[0].fields[0].values, ["a", "b"]);
        assert_eq!(write(&info), inside);
    }

    #[test]
    fn survives_bad_answers() {
        let inside = "<identity/><identity category='x'/><feature/><x xmlns='jabber:x:data'/>\
            <x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>open</value></field></x>";
        let info = read(&xml::parse(&answer::query(NS, None, inside)).unwrap()).unwrap();
        assert!(info.identities.is_empty() && info.features.is_empty() && info.forms.is_empty());
        assert!(read(&xml::parse("<query xmlns='x'/>").unwrap()).is_err());
    }
}
