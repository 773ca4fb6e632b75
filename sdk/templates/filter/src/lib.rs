//! Writes `:tea:` as a cup of tea in outgoing messages.

use sat_sdk::{ComposeFilter, Error, Verdict, settings, xml};

sat_sdk::plugin!({{Name}}: ComposeFilter);

struct {{Name}};

impl ComposeFilter for {{Name}} {
    async fn compose(stanza: String) -> Result<Verdict, Error> {
        if settings::get("enabled").is_some_and(|value| value.text == "false") {
            return Ok(Verdict::Keep);
        }
        let changed = poured(&stanza)?;
        Ok(changed.map_or(Verdict::Keep, Verdict::Replace))
    }
}

/// The message with tea in its bodies; none when there is nothing to change.
fn poured(stanza: &str) -> Result<Option<String>, Error> {
    let mut message = xml::parse(stanza)?;
    let mut changed = false;
    for body in message.children_mut() {
        // A message may have a body for each language (RFC 6121 §5.2.3).
        let text = body.text();
        if body.is("body", "jabber:client") && text.contains(":tea:") {
            body.texts_mut().for_each(|t| t.clear());
            body.append_text(text.replace(":tea:", "🍵"));
            changed = true;
        }
    }
    Ok(changed.then(|| xml::text(&message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        format!("<message xmlns='jabber:client' to='a@b' id='1'><body>{body}</body></message>")
    }

    #[test]
    fn pours_tea() {
        let changed = poured(&message("a :tea: &lt; two :tea:")).unwrap().unwrap();
        let changed = xml::parse(&changed).unwrap();
        let body = changed.get_child("body", "jabber:client").unwrap();
        assert_eq!(body.text(), "a 🍵 < two 🍵");
        assert_eq!(changed.attr("id"), Some("1"));
    }

    #[test]
    fn leaves_the_rest_alone() {
        assert_eq!(poured(&message("coffee")).unwrap(), None);
        assert!(poured("no XML").is_err());
    }
}
