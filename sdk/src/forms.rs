//! Data forms (XEP-0004), what they are about (XEP-0068), and what their fields may contain
//! (XEP-0122, read only).
//!
//! ```
//! use sat_sdk::forms::Form;
//! let search = Form::submit("urn:xmpp:mam:2").with("with", "juliet@capulet.lit");
//! let query = format!("<query xmlns='urn:xmpp:mam:2'>{search}</query>");
//! ```

mod validate;
mod values;

pub use validate::{Method, Validate};
pub use values::Values;

use crate::{
    Error,
    stanza::{Tag, tag},
    xml::{self, Element},
};
use std::fmt;

/// The namespace of forms.
pub const NS: &str = "jabber:x:data";

const FORM_TYPE: &str = "FORM_TYPE";

/// What a form is for (§3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To be filled in.
    Form,
    /// Filled in.
    Submit,
    /// Not filled in, and won't be.
    Cancel,
    /// Data: fields, or a table of items.
    Result,
}

/// How a field is shown and what it holds (§3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Yes or no.
    Boolean,
    /// Text between the fields.
    Fixed,
    /// Not shown.
    Hidden,
    /// Several JIDs.
    JidMulti,
    /// A JID.
    JidSingle,
    /// Several of the options.
    ListMulti,
    /// One of the options.
    ListSingle,
    /// Lines of text.
    TextMulti,
    /// A text that is not shown, a password say.
    TextPrivate,
    /// A line of text.
    TextSingle,
}

/// The words of both, in the order of the enumerations.
const KINDS: &[(Kind, &str)] = &[
    (Kind::Form, "form"),
    (Kind::Submit, "submit"),
    (Kind::Cancel, "cancel"),
    (Kind::Result, "result"),
];
const FIELD_KINDS: &[(FieldKind, &str)] = &[
    (FieldKind::Boolean, "boolean"),
    (FieldKind::Fixed, "fixed"),
    (FieldKind::Hidden, "hidden"),
    (FieldKind::JidMulti, "jid-multi"),
    (FieldKind::JidSingle, "jid-single"),
    (FieldKind::ListMulti, "list-multi"),
    (FieldKind::ListSingle, "list-single"),
    (FieldKind::TextMulti, "text-multi"),
    (FieldKind::TextPrivate, "text-private"),
    (FieldKind::TextSingle, "text-single"),
];

/// A value of a list with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is shown; without it, the value.
    pub label: Option<String>,
    /// What is submitted.
    pub value: String,
}

/// A field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// Its name; only fixed fields may have none.
    pub var: Option<String>,
    /// Its type. In what is submitted it may be left out; elsewhere none means `text-single`.
    pub kind: Option<FieldKind>,
    /// What is shown beside it.
    pub label: Option<String>,
    /// An explanation.
    pub desc: Option<String>,
    /// Whether it must be filled in.
    pub required: bool,
    /// Its value, or values: the default in a form to fill in.
    pub values: Vec<String>,
    /// What can be chosen.
    pub options: Vec<Choice>,
    /// What it may contain.
    pub validate: Option<Validate>,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What it is for.
    pub kind: Kind,
    /// Its title.
    pub title: Option<String>,
    /// What to do with it.
    pub instructions: Vec<String>,
    /// Its fields, the hidden ones too.
    pub fields: Vec<Field>,
    /// The columns of a table (§3.4).
    pub reported: Vec<Field>,
    /// Its rows: the fields of each.
    pub items: Vec<Vec<Field>>,
}

impl Form {
    /// An empty form about this (`FORM_TYPE`, XEP-0068).
    pub fn new(kind: Kind, form_type: &str) -> Self {
        let form = Self {
            kind,
            title: None,
            instructions: Vec::new(),
            fields: Vec::new(),
            reported: Vec::new(),
            items: Vec::new(),
        };
        form.field(Field {
            kind: Some(FieldKind::Hidden),
            ..Field::new(FORM_TYPE, form_type)
        })
    }

    /// A filled-in form about this.
    pub fn submit(form_type: &str) -> Self {
        Self::new(Kind::Submit, form_type)
    }

    /// With one more field of this name and value; without it where the value is `None`.
    pub fn with(self, var: &str, values: impl Values) -> Self {
        let field = Field::new(var, values);
        if field.values.is_empty() {
            return self;
        }
        self.field(field)
    }

    /// With one more field.
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The form to submit for this one: all fields that have a name, with their values so far.
    /// Change them with [`Form::set`].
    pub fn answer(&self) -> Self {
        let fixed = |f: &&Field| f.kind != Some(FieldKind::Fixed) && f.var.is_some();
        let fields = self.fields.iter().filter(fixed).map(|field| Field {
            var: field.var.clone(),
            kind: field.kind,
            values: field.values.clone(),
            ..Field::default()
        });
        Self {
            kind: Kind::Submit,
            title: None,
            instructions: Vec::new(),
            fields: fields.collect(),
            reported: Vec::new(),
            items: Vec::new(),
        }
    }

    /// Sets the value of a field; adds it if there is none.
    pub fn set(&mut self, var: &str, values: impl Values) {
        let values = values.values();
        match self.fields.iter_mut().find(|f| f.is(var)) {
            Some(field) => field.values = values,
            None => self.fields.push(Field::new(var, values)),
        }
    }

    /// The names of the required fields that have no value yet.
    pub fn missing(&self) -> Vec<&str> {
        let empty = |f: &&Field| f.required && f.values.iter().all(String::is_empty);
        let empty = self.fields.iter().filter(empty);
        empty.filter_map(|f| f.var.as_deref()).collect()
    }

    /// What the form is about. A field of that name that isn't hidden doesn't say it, except in
    /// a submitted form that leaves types out (XEP-0068 §3, §6).
    pub fn form_type(&self) -> Option<&str> {
        self.form_types().first().map(String::as_str)
    }

    /// All that the form says it is about: more than one is a fault.
    pub fn form_types(&self) -> &[String] {
        let is_type = |f: &&Field| {
            let typed = f.kind == Some(FieldKind::Hidden);
            f.is(FORM_TYPE) && (typed || self.kind == Kind::Submit && f.kind.is_none())
        };
        self.fields.iter().find(is_type).map_or(&[], |f| &f.values)
    }

    /// The values of a field; none when there is no such field.
    pub fn values(&self, var: &str) -> &[String] {
        let field = self.fields.iter().find(|f| f.is(var));
        field.map_or(&[], |field| &field.values)
    }

    /// The first value of a field.
    pub fn value(&self, var: &str) -> Option<&str> {
        self.values(var).first().map(String::as_str)
    }

    /// The value of a boolean field (`1` and `true`, `0` and `false`).
    pub fn is_set(&self, var: &str) -> Option<bool> {
        values::boolean(self.value(var)?)
    }

    /// The value of a field as a number, or whatever can be read from text.
    pub fn parsed<T: std::str::FromStr>(&self, var: &str) -> Option<T> {
        self.value(var)?.trim().parse().ok()
    }

    /// Reads an `<x/>`; `bad-request` when it is none. What lacks a name that it needs is left
    /// out, an unknown type of field counts as `text-single` (§3.3).
    pub fn read(x: &Element) -> Result<Self, Error> {
        if !x.is("x", NS) {
            return Err(Error::new("bad-request", "this is no data form"));
        }
        let texts = |name| children(x, name).map(Element::text);
        let fields = |parent| children(parent, "field").filter_map(Field::read).collect();
        Ok(Self {
            // An answer of disco (XEP-0128) without a type is a result in practice.
            kind: word(KINDS, x.attr("type")).unwrap_or(Kind::Result),
            title: texts("title").next(),
            instructions: texts("instructions").collect(),
            fields: fields(x),
            reported: children(x, "reported")
                .next()
                .map(fields)
                .unwrap_or_default(),
            items: children(x, "item").map(fields).collect(),
        })
    }

    /// The first form in an element.
    pub fn of(parent: &Element) -> Option<Self> {
        Self::read(parent.get_child("x", NS)?).ok()
    }

    /// Reads an `<x/>` that is text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(&xml::parse(text)?)
    }

    /// The `<x/>`.
    pub fn tag(&self) -> Tag {
        let x = tag("x").ns(NS).kind(name(KINDS, self.kind));
        let x = self
            .title
            .iter()
            .fold(x, |x, title| x.field("title", title));
        let x = self
            .instructions
            .iter()
            .fold(x, |x, line| x.field("instructions", line));
        let tags = |fields: &[Field]| fields.iter().map(Field::tag).collect::<Vec<_>>();
        let x = x.children(tags(&self.fields));
        let x = match self.reported.as_slice() {
            [] => x,
            columns => x.child(tag("reported").children(tags(columns))),
        };
        x.children(
            self.items
                .iter()
                .map(|item| tag("item").children(tags(item))),
        )
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tag().fmt(f)
    }
}

impl Field {
    /// A field with a value, or values, and nothing else.
    pub fn new(var: &str, values: impl Values) -> Self {
        Self {
            var: Some(var.to_owned()),
            values: values.values(),
            ..Self::default()
        }
    }

    /// Whether it has this name.
    pub fn is(&self, var: &str) -> bool {
        self.var.as_deref() == Some(var)
    }

    fn read(field: &Element) -> Option<Self> {
        let kind = field.attr("type");
        let kind = kind.map(|k| word(FIELD_KINDS, Some(k)).unwrap_or(FieldKind::TextSingle));
        let var = field.attr("var").map(str::to_owned);
        if var.is_none() && kind != Some(FieldKind::Fixed) {
            return None;
        }
        let text = |parent, name| children(parent, name).map(Element::text);
        let choice = |option| {
            Some(Choice {
                label: Element::attr(option, "label").map(str::to_owned),
                value: text(option, "value").next()?,
            })
        };
        Some(Self {
            var,
            kind,
            label: field.attr("label").map(str::to_owned),
            desc: text(field, "desc").next(),
            required: children(field, "required").next().is_some(),
            values: text(field, "value").collect(),
            options: children(field, "option").filter_map(choice).collect(),
            validate: Validate::of(field),
        })
    }

    fn tag(&self) -> Tag {
        let kind = self.kind.map(|kind| name(FIELD_KINDS, kind));
        let field = tag("field").maybe("var", self.var.as_deref());
        let field = field
            .maybe("type", kind)
            .maybe("label", self.label.as_deref());
        let field = self
            .desc
            .iter()
            .fold(field, |field, desc| field.field("desc", desc));
        let field = if self.required {
            field.child(tag("required"))
        } else {
            field
        };
        let field = self
            .values
            .iter()
            .fold(field, |field, value| field.field("value", value));
        field.children(self.options.iter().map(|option| {
            let label = option.label.as_deref();
            tag("option")
                .maybe("label", label)
                .field("value", &option.value)
        }))
    }
}

fn children<'a>(parent: &'a Element, name: &'a str) -> impl Iterator<Item = &'a Element> {
    xml::children(parent, name, NS)
}

fn word<T: Copy>(words: &[(T, &str)], wanted: Option<&str>) -> Option<T> {
    words
        .iter()
        .find(|(_, word)| Some(*word) == wanted)
        .map(|(kind, _)| *kind)
}

fn name<T: PartialEq>(words: &[(T, &'static str)], kind: T) -> &'static str {
    words
        .iter()
        .find(|(k, _)| *k == kind)
        .map_or("", |(_, word)| word)
}

#[cfg(test)]
mod tests;
