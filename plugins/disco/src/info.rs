//! disco#info: identities, features and forms (XEP-0030 §3, XEP-0128).

use crate::{
    answer::query,
    bindings::sat::disco::types::{Field, Form, Identity, Info},
};
use sat_sdk::{
    Error, fail, forms,
    stanza::{Tag, tag},
    xml::{self, Element},
};

pub(crate) const NS: &str = "http://jabber.org/protocol/disco#info";

/// Reads a `<query/>`. What lacks a required attribute is left out.
pub(crate) fn read(query: &Element) -> Result<Info, Error> {
    if !query.is("query", NS) {
        fail!("bad-answer", "this is not disco#info");
    }
    let features = xml::children(query, "feature", NS);
    Ok(Info {
        identities: xml::children(query, "identity", NS)
            .filter_map(identity)
            .collect(),
        features: features
            .filter_map(|e| e.attr("var").map(str::to_owned))
            .collect(),
        forms: forms(query).filter_map(form).collect(),
    })
}

/// The `<query/>` that says this.
pub(crate) fn write(node: Option<&str>, info: &Info) -> Tag {
    let identities = info.identities.iter().map(|i| {
        let identity = tag("identity").attr("category", &i.category).kind(&i.kind);
        identity
            .maybe("xml:lang", i.lang.as_deref())
            .maybe("name", i.name.as_deref())
    });
    let features = info
        .features
        .iter()
        .map(|feature| tag("feature").attr("var", feature));
    let forms = info.forms.iter().map(|form| {
        let empty = forms::Form::new(forms::Kind::Result, &form.form_type);
        let field = |x: forms::Form, f: &Field| x.field(forms::Field::new(&f.var, &*f.values));
        form.fields.iter().fold(empty, field).tag()
    });
    query(NS, node)
        .children(identities)
        .children(features)
        .children(forms)
}

/// The forms of a `<query/>`, whatever they call themselves: only hidden types count (XEP-0115
/// §5.4).
pub(crate) fn forms(query: &Element) -> impl Iterator<Item = forms::Form> {
    let kind = forms::Kind::Result;
    let forms = query.children().filter_map(|e| forms::Form::read(e).ok());
    forms.map(move |form| forms::Form { kind, ..form })
}

fn form(form: forms::Form) -> Option<Form> {
    let form_type = form.form_type()?.to_owned();
    let fields = form.fields.into_iter().filter(|f| !f.is("FORM_TYPE"));
    let fields = fields
        .filter_map(|f| {
            Some(Field {
                var: f.var?,
                values: f.values,
            })
        })
        .collect();
    Some(Form { form_type, fields })
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

    #[test]
    fn writes_what_it_reads() {
        let inside = "<identity category='client' type='pc' xml:lang='el' name='&lt;Ψ&gt;'/>\
            <feature var='a&amp;b'/><x xmlns='jabber:x:data' type='result'>\
            <field var='FORM_TYPE' type='hidden'><value>f</value></field>\
            <field var='os'><value>a</value><value>b</value></field></x>";
        let info = read(&xml::parse(&query(NS, None).raw(inside).to_string()).unwrap()).unwrap();
        assert_eq!(info.identities[0].name.as_deref(), Some("<Ψ>"));
        assert_eq!(info.features, ["a&b"]);
        assert_eq!(info.forms[0].fields[0].values, ["a", "b"]);
        assert_eq!(
            write(None, &info).to_string(),
            query(NS, None).raw(inside).to_string()
        );
    }

    #[test]
    fn survives_bad_answers() {
        let inside = "<identity/><identity category='x'/><feature/><x xmlns='jabber:x:data'/>\
            <x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>open</value></field></x>";
        let info = read(&xml::parse(&query(NS, None).raw(inside).to_string()).unwrap()).unwrap();
        assert!(info.identities.is_empty() && info.features.is_empty() && info.forms.is_empty());
        assert!(read(&xml::parse("<query xmlns='x'/>").unwrap()).is_err());
    }
}
