//! Building trees in one expression.

use minidom::Element;
use rxml::{Namespace, NcName};

/// A new element.
pub fn el(name: &str, ns: &str) -> Element {
    Element::bare(name, ns)
}

/// Adds to an element and hands it on.
pub trait Build: Sized {
    /// Sets an attribute; a name that XML doesn't allow is left out.
    #[must_use]
    fn with(self, name: &str, value: impl ToString) -> Self;
    /// Removes an attribute.
    #[must_use]
    fn without(self, name: &str) -> Self;
    /// Appends a child.
    #[must_use]
    fn child(self, child: Element) -> Self;
    /// Appends text.
    #[must_use]
    fn say(self, text: &str) -> Self;

    /// Sets an attribute when there is a value.
    #[must_use]
    fn maybe(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Appends children.
    #[must_use]
    fn all(self, children: impl IntoIterator<Item = Element>) -> Self {
        children.into_iter().fold(self, Self::child)
    }
}

impl Build for Element {
    fn with(mut self, name: &str, value: impl ToString) -> Self {
        if let Ok(name) = NcName::try_from(name) {
            self.attrs_mut()
                .insert(Namespace::NONE, name, value.to_string());
        }
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.attrs_mut()
            .retain(|ns, found, _| !(ns.is_none() && found.as_str() == name));
        self
    }

    fn child(mut self, child: Element) -> Self {
        self.append_child(child);
        self
    }

    fn say(mut self, text: &str) -> Self {
        if !text.is_empty() {
            self.append_text(text);
        }
        self
    }
}
