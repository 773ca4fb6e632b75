//! Rows as Rust values: a tuple for each row, a type for each column.

use super::Value;
use crate::{Error, Json};

/// What a column can be read as.
pub trait FromValue: Sized {
    /// The value; none when it has another type.
    fn from_value(value: Value) -> Option<Self>;
}

/// What a row can be read as: a tuple with a type for each column.
pub trait FromRow: Sized {
    /// The row; none when it has other columns.
    fn from_row(row: Vec<Value>) -> Option<Self>;
}

/// Reads rows; `sql-error` when a column has another type, which is a fault of the plugin.
pub(super) fn read<T: FromRow>(rows: Vec<Vec<Value>>) -> Result<Vec<T>, Error> {
    let fault = || {
        Error::new(
            "sql-error",
            "a row has other columns than the plugin expects",
        )
    };
    let rows = rows.into_iter();
    rows.map(|row| T::from_row(row).ok_or_else(fault)).collect()
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Integer(n) => Some(n),
            _ => None,
        }
    }
}

macro_rules! integers {
    ($($ty:ty)+) => {
        $(impl FromValue for $ty {
            fn from_value(value: Value) -> Option<Self> {
                i64::from_value(value)?.try_into().ok()
            }
        })+
    };
}

integers!(i8 i16 i32 u8 u16 u32 u64);

impl FromValue for f64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Real(n) => Some(n),
            // SQLite gives whole numbers of an expression as integers.
            Value::Integer(n) => Some(n as f64),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(|n| n != 0)
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for Json {
    fn from_value(value: Value) -> Option<Self> {
        String::from_value(value).map(|text| Self { text })
    }
}

impl FromValue for Value {
    fn from_value(value: Value) -> Option<Self> {
        Some(value)
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: FromValue),+> FromRow for ($($name,)+) {
            fn from_row(row: Vec<Value>) -> Option<Self> {
                let mut columns = row.into_iter();
                let row = ($($name::from_value(columns.next()?)?,)+);
                columns.next().is_none().then_some(row)
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
tuples!(A B C D E F G H I J K L M);
tuples!(A B C D E F G H I J K L M N);
tuples!(A B C D E F G H I J K L M N O);
tuples!(A B C D E F G H I J K L M N O P);
tuples!(A B C D E F G H I J K L M N O P Q);
tuples!(A B C D E F G H I J K L M N O P Q R);
tuples!(A B C D E F G H I J K L M N O P Q R S);
tuples!(A B C D E F G H I J K L M N O P Q R S T);

/// Makes a record readable as a row, with its fields in the order of the columns:
/// `sat_sdk::row!(Contact { jid, name, subscription });`.
#[macro_export]
macro_rules! row {
    ($record:ty { $($field:ident),+ $(,)? }) => {
        impl $crate::storage::FromRow for $record {
            fn from_row(
                row: ::std::vec::Vec<$crate::storage::Value>,
            ) -> ::std::option::Option<Self> {
                let mut columns = row.into_iter();
                let row = Self {
                    $($field: $crate::storage::FromValue::from_value(columns.next()?)?,)+
                };
                columns.next().is_none().then_some(row)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Player {
        name: String,
        club: Option<String>,
        wins: u32,
    }

    crate::row!(Player { name, club, wins });

    #[test]
    fn rows_become_records() {
        let row = vec![Value::Text("a".into()), Value::Null, Value::Integer(3)];
        let (name, club) = ("a".to_owned(), None);
        assert_eq!(
            Player::from_row(row.clone()),
            Some(Player {
                name,
                club,
                wins: 3
            })
        );
        assert_eq!(Player::from_row(row[..2].to_vec()), None);
    }

    #[test]
    fn rows_become_tuples() {
        let row = || vec![Value::Text("a".into()), Value::Null, Value::Integer(3)];
        let read = read::<(String, Option<String>, i64)>(vec![row()]).unwrap();
        assert_eq!(read, [("a".to_owned(), None, 3)]);
        assert_eq!(
            <(String, Option<i64>, bool)>::from_row(row()),
            Some(("a".into(), None, true))
        );
        // Another type, too few and too many columns.
        assert_eq!(<(i64, Option<i64>, i64)>::from_row(row()), None);
        assert_eq!(<(String, Option<i64>)>::from_row(row()), None);
        assert_eq!(<(String, Option<i64>, i64, i64)>::from_row(row()), None);
        assert_eq!(<(u32,)>::from_row(vec![Value::Integer(-1)]), None);
    }
}
