//! What a field may contain (XEP-0122: Data Forms Validation).

use crate::xml::Element;

const NS: &str = "http://jabber.org/protocol/xdata-validate";

/// What a field may contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validate {
    /// A type of XML Schema (`xs:dateTime`) or of somebody else's.
    pub datatype: String,
    /// How values are checked beyond that.
    pub method: Method,
    /// How many options may be chosen at least and at most.
    pub list_range: (Option<u32>, Option<u32>),
}

/// How values are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// By the type alone.
    Basic,
    /// Values that are no option are fine too.
    Open,
    /// Between these two, as texts of the type.
    Range {
        /// The least.
        min: Option<String>,
        /// The greatest.
        max: Option<String>,
    },
    /// By a POSIX extended regular expression.
    Regex(String),
}

impl Validate {
    /// What a `<field/>` says.
    pub(super) fn of(field: &Element) -> Option<Self> {
        let validate = field.get_child("validate", NS)?;
        let child = |name| validate.get_child(name, NS);
        let text = |of: &Element, name: &str| of.attr(name).map(str::to_owned);
        let method = if let Some(range) = child("range") {
            let (min, max) = (text(range, "min"), text(range, "max"));
            Method::Range { min, max }
        } else if let Some(regex) = child("regex") {
            Method::Regex(regex.text())
        } else if child("open").is_some() {
            Method::Open
        } else {
            Method::Basic
        };
        let number = |name| child("list-range")?.attr(name)?.parse().ok();
        Some(Self {
            datatype: text(validate, "datatype").unwrap_or_else(|| "xs:string".into()),
            method,
            list_range: (number("min"), number("max")),
        })
    }
}
