//! Plugins' SQL before SQLite sees it: whose it is, how long, and its first word.

use super::{SQL_TEXT_LIMIT, limit};
use crate::{
    error::{Error, Result, kind},
    store::authorizer::Intent,
};

/// Whether a word can be a plugin's id: `[a-z][a-z0-9]*(-[a-z0-9]+)*`.
///
/// Without `_` and `--` no plugin's table prefix is the beginning of another's.
pub fn is_plugin_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.split('-').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// What the names of a plugin's tables begin with.
pub(super) fn prefix(plugin: &str) -> Result<String> {
    if !is_plugin_id(plugin) {
        return Err(Error::new(
            kind::BAD_REQUEST,
            format!("{plugin:?} is no id of a plugin"),
        ));
    }
    Ok(format!("{}__", plugin.replace('-', "_")))
}

/// What the statement sets out to do. Statements that are never for plugins end here.
pub(super) fn intent(sql: &str) -> Result<Intent> {
    if sql.len() > SQL_TEXT_LIMIT {
        return Err(limit(format!(
            "SQL_TEXT_LIMIT: {SQL_TEXT_LIMIT} bytes a statement"
        )));
    }
    let word = first_word(sql).to_ascii_uppercase();
    match word.as_str() {
        "SELECT" | "VALUES" | "WITH" | "EXPLAIN" | "INSERT" | "REPLACE" | "UPDATE" | "DELETE" => {
            Ok(Intent::Data)
        }
        "CREATE" => Ok(Intent::Create),
        "DROP" => Ok(Intent::Drop),
        "ALTER" => Ok(Intent::Alter),
        "" => Err(Error::new(kind::SQL, "The statement is empty")),
        // The word may be long or a secret by mistake; an author finds it without.
        _ => Err(Error::new(
            kind::SQL,
            "The statement must begin with SELECT, VALUES, WITH, EXPLAIN, INSERT, REPLACE, \
             UPDATE, DELETE, CREATE, DROP or ALTER",
        )),
    }
}

/// Whether the statement gives space back.
pub(super) fn is_removal(sql: &str) -> bool {
    let word = first_word(sql);
    word.eq_ignore_ascii_case("DELETE") || word.eq_ignore_ascii_case("DROP")
}

/// The first word behind white space and comments.
fn first_word(mut sql: &str) -> &str {
    loop {
        sql = sql.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
        let rest = if let Some(comment) = sql.strip_prefix("--") {
            comment.split_once('\n')
        } else if let Some(comment) = sql.strip_prefix("/*") {
            comment.split_once("*/")
        } else {
            let end = sql
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(sql.len());
            return sql.get(..end).unwrap_or_default();
        };
        match rest {
            Some((_, rest)) => sql = rest,
            None => return "",
        }
    }
}
