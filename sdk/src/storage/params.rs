//! Rust values as SQLite's: what statements are run with.

use super::{Statement, Value};

/// The values of a statement's `?1`, `?2`, …: a tuple, or a list of [`Value`]s.
pub trait Params {
    /// The values in their order.
    fn values(self) -> Vec<Value>;
}

impl Params for Vec<Value> {
    fn values(self) -> Vec<Value> {
        self
    }
}

impl<const N: usize> Params for [Value; N] {
    fn values(self) -> Vec<Value> {
        self.into()
    }
}

impl Params for () {
    fn values(self) -> Vec<Value> {
        Vec::new()
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Into<Value>),+> Params for ($($name,)+) {
            #[allow(non_snake_case)]
            fn values(self) -> Vec<Value> {
                let ($($name,)+) = self;
                vec![$($name.into()),+]
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);

/// A statement whose values have names, for where numbers would have to be counted:
/// `named("UPDATE chess__game SET black = :who WHERE id = :id", &[("id", id), ("who", who)])`.
///
/// A name may stand there more than once. One without a value stays as it is, and SQLite says so.
pub fn named(text: &str, values: &[(&str, Value)]) -> Statement {
    let mut sql = String::with_capacity(text.len());
    let mut quote = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (this, behind) = rest.split_at_checked(c.len_utf8()).unwrap_or((rest, ""));
        rest = behind;
        match quote {
            Some(q) if q == c => quote = None,
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None if c == ':' => {
                let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
                let end = rest.find(is_end).unwrap_or(rest.len());
                let (name, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
                if let Some(n) = values.iter().position(|(known, _)| *known == name) {
                    sql.push_str(&format!("?{}", n + 1));
                    rest = behind;
                    continue;
                }
            }
            _ => {}
        }
        sql.push_str(this);
    }
    Statement {
        sql,
        params: values.iter().map(|(_, value)| value.clone()).collect(),
    }
}

macro_rules! from {
    ($($ty:ty: $value:ident => $make:expr;)+) => {
        $(impl From<$ty> for Value {
            fn from($value: $ty) -> Self {
                $make
            }
        })+
    };
}

from! {
    &str: text => Self::Text(text.into());
    String: text => Self::Text(text);
    &String: text => Self::Text(text.clone());
    i64: n => Self::Integer(n);
    i32: n => Self::Integer(n.into());
    i8: n => Self::Integer(n.into());
    u8: n => Self::Integer(n.into());
    u16: n => Self::Integer(n.into());
    u32: n => Self::Integer(n.into());
    bool: yes => Self::Integer(yes.into());
    f64: n => Self::Real(n);
    Vec<u8>: bytes => Self::Blob(bytes);
    &[u8]: bytes => Self::Blob(bytes.into());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<'a> From<&'a Option<String>> for Value {
    fn from(value: &'a Option<String>) -> Self {
        value.as_deref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_numbers() {
        let values = [("id", 7.into()), ("who", "Paul".into())];
        let text =
            "UPDATE c__g SET w = :who, note = ':who' || \":id\" WHERE id = :id AND :who <> ''";
        let done = named(text, &values);
        let expected =
            "UPDATE c__g SET w = ?2, note = ':who' || \":id\" WHERE id = ?1 AND ?2 <> ''";
        assert_eq!(done.sql, expected);
        assert!(
            matches!(done.params.as_slice(), [Value::Integer(7), Value::Text(who)] if who == "Paul")
        );
        assert_eq!(named("SELECT :é:other", &values).sql, "SELECT :é:other");
    }

    #[test]
    fn tuples_become_values() {
        let none: Option<String> = None;
        let values = ("a", &none, 3u32, 0.5, true, Some(-1i64), [1u8].as_slice()).values();
        let written = format!("{values:?}");
        for part in [
            "Text(\"a\")",
            "Null",
            "Integer(3)",
            "Real(0.5)",
            "Integer(1)",
            "Integer(-1)",
            "Blob([1])",
        ] {
            assert!(written.contains(part), "{part} in {written}");
        }
    }
}
