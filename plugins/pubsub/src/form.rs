//! Data forms (XEP-0004) as lists of field and value.

use sat_sdk::{
    Error,
    xml::{Element, escape},
};

pub(crate) const NS: &str = "jabber:x:data";
/// What the names of fields begin with.
const PREFIX: &str = "pubsub#";
/// Most values in a form, and most bytes of them.
const VALUES: usize = 256;
const BYTES: usize = 64 << 10;

/// What the fields of a form are about.
pub(crate) const CONFIG: &str = "http://jabber.org/protocol/pubsub#node_config";
pub(crate) const PUBLISH: &str = "http://jabber.org/protocol/pubsub#publish-options";
pub(crate) const SUBSCRIBE: &str = "http://jabber.org/protocol/pubsub#subscribe_options";

/// Refuses what is no form.
pub(crate) fn check(options: &[(String, String)]) -> Result<(), Error> {
    let bytes: usize = options.iter().map(|(n, v)| n.len() + v.len()).sum();
    if options.len() > VALUES || bytes > BYTES {
        return Err(Error::new(
            "limit-reached",
            format!("`options` has at most {VALUES} values with {BYTES} bytes"),
        ));
    }
    if options.iter().any(|(name, _)| name.is_empty()) {
        return Err(Error::new(
            "bad-request",
            "`options` has a field without a name",
        ));
    }
    Ok(())
}

/// The form that submits these options; those with one name are one field.
pub(crate) fn submit(kind: &str, options: &[(String, String)]) -> String {
    let mut form = format!(
        "<x xmlns='{NS}' type='submit'><field var='FORM_TYPE' type='hidden'>\
         <value>{kind}</value></field>"
    );
    for (n, (name, _)) in options.iter().enumerate() {
        if options.iter().take(n).any(|(earlier, _)| earlier == name) {
            continue;
        }
        let prefix = if name.contains('#') { "" } else { PREFIX };
        form.push_str(&format!("<field var='{prefix}{}'>", escape(name)));
        for (_, value) in options.iter().filter(|(n, _)| n == name) {
            form.push_str(&format!("<value>{}</value>", escape(value)));
        }
        form.push_str("</field>");
    }
    form.push_str("</x>");
    form
}

/// The fields of the form in an element; those without a value have an empty one.
pub(crate) fn read(parent: &Element) -> Vec<(String, String)> {
    let fields = parent
        .get_child("x", NS)
        .into_iter()
        .flat_map(Element::children);
    fields
        .filter(|f| f.is("field", NS) && f.attr("type") != Some("fixed"))
        .filter_map(|field| Some((field.attr("var")?, field)))
        .filter(|(var, _)| *var != "FORM_TYPE")
        .flat_map(|(var, field)| {
            let name = var.strip_prefix(PREFIX).unwrap_or(var);
            let values = field.children().filter(|v| v.is("value", NS));
            let mut values: Vec<_> = values.map(Element::text).collect();
            if values.is_empty() {
                values.push(String::new());
            }
            values.into_iter().map(move |v| (name.to_owned(), v))
        })
        .take(VALUES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::xml;

    fn options(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
        list.iter().map(own).collect()
    }

    #[test]
    fn goes_through_xml() {
        let given = options(&[
            ("access_model", "roster"),
            ("roster_groups_allowed", "<friends>"),
            ("{urn:x}max#y", "1"),
            ("roster_groups_allowed", "family"),
        ]);
        let form = format!(
            "<configure xmlns='x'>{}</configure>",
            submit(CONFIG, &given)
        );
        let parsed = xml::parse(&form).unwrap();
        let x = parsed.get_child("x", NS).unwrap();
        let vars: Vec<_> = x.children().map(|f| f.attr("var").unwrap()).collect();
        let expected = [
            "FORM_TYPE",
            "pubsub#access_model",
            "pubsub#roster_groups_allowed",
            "{urn:x}max#y",
        ];
        assert_eq!(vars, expected);
        let back = options(&[
            ("access_model", "roster"),
            ("roster_groups_allowed", "<friends>"),
            ("roster_groups_allowed", "family"),
            ("{urn:x}max#y", "1"),
        ]);
        assert_eq!(read(&parsed), back);
    }

    #[test]
    fn reads_example_of_8_2_1() {
        let configure = xml::parse(
            "<configure xmlns='http://jabber.org/protocol/pubsub#owner' node='princely_musings'>\
             <x xmlns='jabber:x:data' type='form'><title>t</title>\
             <field var='FORM_TYPE' type='hidden'>\
             <value>http://jabber.org/protocol/pubsub#node_config</value></field>\
             <field var='pubsub#title' type='text-single' label='A friendly name'/>\
             <field type='fixed'><value>Section</value></field>\
             <field var='pubsub#deliver_notifications' type='boolean'><value>true</value></field>\
             <field var='pubsub#access_model' type='list-single'>\
             <option><value>authorize</value></option><option><value>open</value></option>\
             <value>open</value></field></x></configure>",
        );
        let expected = options(&[
            ("title", ""),
            ("deliver_notifications", "true"),
            ("access_model", "open"),
        ]);
        assert_eq!(read(&configure.unwrap()), expected);
    }

    #[test]
    fn too_much_is_refused() {
        let many = vec![("a".to_owned(), String::new()); VALUES + 1];
        assert_eq!(check(&many).unwrap_err().code, "limit-reached");
        let long = options(&[("a", &"x".repeat(BYTES))]);
        assert_eq!(check(&long).unwrap_err().code, "limit-reached");
        assert_eq!(
            check(&options(&[("", "x")])).unwrap_err().code,
            "bad-request"
        );
    }
}
