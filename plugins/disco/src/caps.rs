//! Entity capabilities: the verification string (XEP-0115 §5).

use crate::{
    bindings::sat::disco::types::{Field, Form, Identity, Info},
    info,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sat_sdk::{
    forms,
    stanza::{Tag, tag},
    xml::Element,
};
use sha1::{Digest, Sha1};
use std::collections::BTreeSet;

pub(crate) const NS: &str = "http://jabber.org/protocol/caps";

/// The one hash that we know, and that everybody must know (§8.1).
pub(crate) const HASH: &str = "sha-1";

/// Who we are (§4, `node`).
const SOFTWARE: &str = "https://salut-a-toi.org";

/// What an entity announces in its presence.
#[derive(Debug, PartialEq)]
pub(crate) struct Caps {
    pub(crate) software: String,
    pub(crate) ver: String,
}

impl Caps {
    /// Our own.
    pub(crate) fn of(own: &Info) -> Self {
        Self {
            software: SOFTWARE.into(),
            ver: ver(own),
        }
    }

    /// Reads a `<c/>`. None when it can't be proved, or is longer than anything reasonable.
    pub(crate) fn read(c: &Element) -> Option<Self> {
        let (software, ver) = (c.attr("node")?, c.attr("ver")?);
        let provable = c.is("c", NS) && c.attr("hash") == Some(HASH);
        (provable && software.len() <= 1024 && ver.len() <= 64).then(|| Self {
            software: software.into(),
            ver: ver.into(),
        })
    }

    /// The `<c/>` for a presence.
    pub(crate) fn tag(&self) -> Tag {
        let c = tag("c").ns(NS).attr("hash", HASH);
        c.attr("node", &self.software).attr("ver", &self.ver)
    }

    /// The node to ask for (§6.2).
    pub(crate) fn node(&self) -> String {
        format!("{}#{}", self.software, self.ver)
    }

    /// Whether an answer is what was announced, and so holds for all who announce the same.
    pub(crate) fn prove(&self, query: &Element, info: &Info) -> bool {
        is_well_formed(query, info) && ver(info) == self.ver
    }
}

/// The verification string (§5.1). All sorting is by bytes, as Rust's is.
fn ver(info: &Info) -> String {
    STANDARD.encode(Sha1::digest(input(info)))
}

/// What is hashed.
fn input(info: &Info) -> String {
    let mut out = String::new();
    let mut append = |part: &str| {
        out.push_str(part);
        out.push('<');
    };
    let lang = |i: &Identity| i.lang.clone().unwrap_or_default();
    let name = |i: &Identity| i.name.clone().unwrap_or_default();
    let order = |i: &Identity| (i.category.clone(), i.kind.clone(), lang(i));
    for i in sorted(&info.identities, order) {
        append(&[&*i.category, &*i.kind, &lang(i), &name(i)].join("/"));
    }
    for feature in sorted(&info.features, String::clone) {
        append(feature);
    }
    for form in sorted(&info.forms, |f: &Form| f.form_type.clone()) {
        append(&form.form_type);
        for field in sorted(&form.fields, |f: &Field| f.var.clone()) {
            append(&field.var);
            for value in sorted(&field.values, String::clone) {
                append(value);
            }
        }
    }
    out
}

/// Whether nothing is there twice (§5.4, 3.3 to 3.5), nor contains the `<` that divides the
/// parts of what is hashed: with it, a lie can have the hash of a truth (§8.3).
fn is_well_formed(query: &Element, info: &Info) -> bool {
    let identity = |i: &Identity| {
        (
            i.category.clone(),
            i.kind.clone(),
            i.lang.clone(),
            i.name.clone(),
        )
    };
    let one_type = |form: forms::Form| form.form_types().iter().collect::<BTreeSet<_>>().len() <= 1;
    unique(info.identities.iter().map(identity))
        && unique(info.features.iter())
        && unique(info.forms.iter().map(|form| &form.form_type))
        && info::forms(query).all(one_type)
        && input(info).matches('<').count() == parts(info)
}

/// How many parts are hashed.
fn parts(info: &Info) -> usize {
    let fields = info.forms.iter().flat_map(|form| &form.fields);
    let values: usize = fields.map(|field| 1 + field.values.len()).sum();
    info.identities.len() + info.features.len() + info.forms.len() + values
}

fn sorted<T, K: Ord>(items: &[T], key: impl Fn(&T) -> K) -> Vec<&T> {
    let mut items: Vec<&T> = items.iter().collect();
    items.sort_by_key(|item| key(item));
    items
}

fn unique<T: Ord>(items: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    items.into_iter().all(|item| seen.insert(item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer;
    use sat_sdk::xml;

    const EXODUS: &str = "<identity category='client' name='Exodus 0.9.1' type='pc'/>\
        <feature var='http://jabber.org/protocol/muc'/>\
        <feature var='http://jabber.org/protocol/disco#items'/>\
        <feature var='http://jabber.org/protocol/disco#info'/>\
        <feature var='http://jabber.org/protocol/caps'/>";

    const PSI: &str = "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>\
        <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>\
        <feature var='http://jabber.org/protocol/caps'/>\
        <feature var='http://jabber.org/protocol/disco#info'/>\
        <feature var='http://jabber.org/protocol/disco#items'/>\
        <feature var='http://jabber.org/protocol/muc'/>\
        <x xmlns='jabber:x:data' type='result'>\
        <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>\
        <field var='software'><value>Psi</value></field>\
        <field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>\
        <field var='os'><value>Mac</value></field>\
        <field var='os_version'><value>10.5.1</value></field>\
        <field var='software_version'><value>0.11</value></field></x>";

    fn proves(inside: &str, ver: &str) -> bool {
        let query = xml::parse(&answer::query(info::NS, None).raw(inside).to_string()).unwrap();
        let caps = Caps {
            software: String::new(),
            ver: ver.to_owned(),
        };
        caps.prove(&query, &info::read(&query).unwrap())
    }

    /// The verification string of an answer as it is, well formed or not.
    fn ver_of(inside: &str) -> String {
        let query = xml::parse(&answer::query(info::NS, None).raw(inside).to_string()).unwrap();
        ver(&info::read(&query).unwrap())
    }

    #[test]
    fn simple_example_of_5_2() {
        assert!(proves(EXODUS, "QgayPKawpkPSDYmwT/WM94uAlu0="));
        assert!(!proves(EXODUS, "66/0NaeaBKkwk85efJTGmU47vXI="));
    }

    #[test]
    fn complex_example_of_5_3() {
        assert!(proves(PSI, "q07IKJEyjvHSyhy//CH0CxmKi8w="));
    }

    #[test]
    fn a_form_without_hidden_type_is_ignored() {
        let open = "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>t</value></field></x>";
        assert!(proves(
            &format!("{EXODUS}{open}"),
            "QgayPKawpkPSDYmwT/WM94uAlu0="
        ));
    }

    #[test]
    fn ill_formed_answers_prove_nothing() {
        let form = |types: &str| {
            format!(
                "<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'>{types}</field></x>"
            )
        };
        for twice in [
            "<identity category='client' name='Exodus 0.9.1' type='pc'/>".to_owned(),
            "<feature var='http://jabber.org/protocol/muc'/>".to_owned(),
            form("<value>a</value>") + &form("<value>a</value>"),
            form("<value>a</value><value>b</value>"),
            "<feature var='a&lt;b'/>".to_owned(),
        ] {
            let inside = format!("{EXODUS}{twice}");
            assert!(!proves(&inside, &ver_of(&inside)), "{twice}");
        }
        // Two names of one identity in two languages are fine, and so is the same value twice.
        let inside = format!("{EXODUS}{}", form("<value>a</value><value>a</value>"));
        assert!(proves(&inside, &ver_of(&inside)));
    }

    #[test]
    fn reads_what_it_writes() {
        let caps = Caps {
            software: "https://a.b/'<&".into(),
            ver: "x=".into(),
        };
        assert_eq!(
            Caps::read(&xml::parse(&caps.tag().to_string()).unwrap()),
            Some(caps)
        );
        for other in [
            format!("<c xmlns='{NS}' hash='md5' node='n' ver='v'/>"),
            format!("<c xmlns='{NS}' node='n' ver='0.9' ext='voice'/>"),
            format!("<c xmlns='{NS}' hash='sha-1' node='n'/>"),
            format!(
                "<c xmlns='{NS}' hash='sha-1' node='n' ver='{}'/>",
                "v".repeat(65)
            ),
        ] {
            assert_eq!(Caps::read(&xml::parse(&other).unwrap()), None, "{other}");
        }
    }
}
