//! Rust values as those of a field, and back.

/// What a field can be given: a text, a number, yes or no, several of them, or nothing.
pub trait Values {
    /// The values as texts.
    fn values(self) -> Vec<String>;
}

impl Values for bool {
    fn values(self) -> Vec<String> {
        vec![if self { "1" } else { "0" }.to_owned()]
    }
}

macro_rules! texts {
    ($($ty:ty)+) => {
        $(impl Values for $ty {
            fn values(self) -> Vec<String> {
                vec![self.to_string()]
            }
        })+
    };
}

texts!(&str String &String i32 i64 u32 u64 usize);

impl Values for Vec<String> {
    fn values(self) -> Vec<String> {
        self
    }
}

impl Values for &[String] {
    fn values(self) -> Vec<String> {
        self.to_vec()
    }
}

impl<const N: usize> Values for [&str; N] {
    fn values(self) -> Vec<String> {
        self.map(str::to_owned).into()
    }
}

impl<T: Values> Values for Option<T> {
    fn values(self) -> Vec<String> {
        self.map(T::values).unwrap_or_default()
    }
}

/// Reads the value of a boolean field (§3.3).
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.trim() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}
