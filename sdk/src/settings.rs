//! What people have set, as `[settings.<name>]` of the manifest declares it.

pub use crate::bindings::sat::host::settings::get;

/// Whether a setting of type `bool` is on.
pub fn is_on(name: &str) -> bool {
    get(name).is_some_and(|value| value.text == "true")
}

/// The value of a setting of type `integer`.
pub fn integer(name: &str) -> Option<i64> {
    get(name)?.text.parse().ok()
}

/// The value of a setting of type `string`.
pub fn text(name: &str) -> Option<String> {
    unquote(&get(name)?.text)
}

/// The text of a JSON string (RFC 8259 §7).
fn unquote(json: &str) -> Option<String> {
    let inside = json.trim().strip_prefix('"')?.strip_suffix('"')?;
    let mut units = Vec::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        let plain = match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).ok()?);
                    continue;
                }
                other => other,
            },
            plain => plain,
        };
        units.extend(plain.encode_utf16(&mut [0; 2]).iter());
    }
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_json_strings() {
        for (json, text) in [
            ("\"\"", ""),
            (r#""a \"b\" \\ \/ é""#, "a \"b\" \\ / é"),
            (r#""\n\t\r\b\f""#, "\n\t\r\u{8}\u{c}"),
            (r#""\u00e9\ud83d\ude00""#, "é😀"),
        ] {
            assert_eq!(unquote(json).as_deref(), Some(text));
        }
        for bad in ["", "\"", "true", "\"\\", r#""\ud83d""#, r#""\uzzzz""#] {
            assert_eq!(unquote(bad), None, "{bad}");
        }
    }
}
