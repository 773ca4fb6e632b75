//! Values in, rows out, within the limits.

use rusqlite::{
    ToSql,
    types::{ToSqlOutput, ValueRef},
};

use super::{Limits, Value, blame, limit};
use crate::error::{Error, kind};

/// What the results of one call may still amount to.
pub(super) struct Budget {
    limits: Limits,
    bytes: usize,
}

/// Why a statement gave no result.
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Ours(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failure {
    pub(super) fn into_error(self, limits: Limits) -> Error {
        match self {
            Self::Sqlite(error) => blame(&error, limits),
            Self::Ours(error) => error,
        }
    }
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, bytes: 0 }
    }

    fn spend(&mut self, rows: usize, value: &Value) -> Result<(), Failure> {
        self.bytes += match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            Value::Null | Value::Integer(_) | Value::Real(_) => 0,
        } + size_of::<Value>();
        let Limits {
            rows: most, bytes, ..
        } = self.limits;
        if rows >= most {
            return Err(Failure::Ours(limit(format!(
                "SQL_ROWS_LIMIT: {most} rows a result"
            ))));
        }
        if self.bytes > bytes {
            return Err(Failure::Ours(limit(format!(
                "SQL_BYTES_LIMIT: {bytes} bytes of results"
            ))));
        }
        Ok(())
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            // SQLite doesn't check that text is UTF-8: `CAST(x'ff' AS TEXT)`.
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

type Table = (Vec<String>, Vec<Vec<Value>>);

/// Runs a statement to its end.
pub(super) fn run(
    statement: &mut rusqlite::Statement<'_>,
    params: &[Value],
    budget: &mut Budget,
) -> Result<Table, Failure> {
    let expected = statement.parameter_count();
    if expected != params.len() {
        let sentence = format!(
            "The statement takes {expected} values, got {}",
            params.len()
        );
        return Err(Failure::Ours(Error::new(kind::SQL, sentence)));
    }
    for (index, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(columns.len());
        for index in 0..columns.len() {
            let value = Value::from(row.get_ref(index)?);
            budget.spend(found.len(), &value)?;
            values.push(value);
        }
        found.push(values);
    }
    Ok((columns, found))
}
