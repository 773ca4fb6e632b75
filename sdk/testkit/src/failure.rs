//! Why a scenario failed, for people.

use std::fmt;

/// A sentence, and what was seen before.
#[derive(Debug, Clone)]
pub struct Failure(pub String);

impl Failure {
    /// A failure with this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The same failure with what people need beside it, such as logs.
    #[must_use]
    pub fn with(mut self, what: &str, text: &str) -> Self {
        if !text.trim().is_empty() {
            self.0
                .push_str(&format!("\n--- {what}:\n{}", text.trim_end()));
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<sat_host::Error> for Failure {
    fn from(error: sat_host::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}
