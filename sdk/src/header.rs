//! What comes with a stanza, as words.

use crate::{
    Via,
    storage::{FromValue, Value},
};

const WORDS: [(Via, &str); 5] = [
    (Via::Live, "live"),
    (Via::Offline, "offline"),
    (Via::CarbonReceived, "carbon-received"),
    (Via::CarbonSent, "carbon-sent"),
    (Via::Archive, "archive"),
];

impl Via {
    /// The word that frontends know it by.
    pub fn word(self) -> &'static str {
        WORDS
            .iter()
            .find(|(via, _)| *via == self)
            .map_or("", |(_, word)| word)
    }

    /// The way of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        WORDS.iter().find(|(_, w)| *w == word).map(|(via, _)| *via)
    }
}

impl From<Via> for Value {
    fn from(via: Via) -> Self {
        via.word().into()
    }
}

impl FromValue for Via {
    fn from_value(value: Value) -> Option<Self> {
        Self::from_word(value.text()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_stored_and_read() {
        for (via, word) in WORDS {
            assert_eq!(Value::from(via).text(), Some(word));
            assert_eq!(Via::from_value(via.into()), Some(via));
        }
        assert_eq!(Via::from_word("post"), None);
    }
}
