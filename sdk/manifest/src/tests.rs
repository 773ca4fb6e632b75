//! What manifests may say, and what is refused.

use super::*;

#[test]
fn ids() {
    for id in ["ping", "a1", "chat-rooms", "x-1"] {
        assert!(valid_id(id), "{id}");
    }
    for id in [
        "",
        "Ping",
        "1a",
        "a--b",
        "-a",
        "a-",
        "a_b",
        "a.b",
        &"a".repeat(41),
    ] {
        assert!(!valid_id(id), "{id}");
    }
}

#[test]
fn errors_name_the_line() {
    let head = "id = 'a'\nversion = '1.0.0'\nsummary = 's'\n";
    for (manifest, line, word) in [
        (format!("{head}colour = 1\n"), 4, "unknown field `colour`"),
        (
            format!("{head}[[iq]]\nelement='x'\nnamespace='y'\n"),
            4,
            "`from` is needed",
        ),
        (
            format!("{head}[[iq]]\nelement='x'\nnamespace='y'\nfrom=['any']\n[[iq]]\n"),
            8,
            "`element` and",
        ),
        (head.replace("'a'", "'A b'"), 1, "`id` is \"A b\""),
        (head.replace("1.0.0", "one"), 2, "semantic version"),
        (head.replace("'s'", "''"), 3, "one line of text"),
        (
            format!("{head}[settings.a]\ntype='bool'\ndefault=1\nlabel='x'\n"),
            4,
            "another type",
        ),
        (format!("{head}[http]\nhosts=[]\n"), 4, "names no host"),
        (
            format!("{head}[http]\nhosts=['127.0.0.1']\n"),
            5,
            "is no name of a host",
        ),
        (format!("{head}[http]\n"), 4, "missing field `hosts`"),
        (
            format!("{head}[[message]]\nfrom=['anybody']\n"),
            5,
            "unknown variant",
        ),
        ("id = 'a'".into(), 1, "missing field `version`"),
    ] {
        let e = Manifest::parse(&manifest).unwrap_err();
        assert_eq!(e.line, Some(line), "{manifest}: {e}");
        assert!(e.message.contains(word), "{manifest}: {e}");
    }
}

#[test]
fn hooks_and_declarations_belong_together() {
    let head = "id = 'a'\nversion = '1.0.0'\nsummary = 's'\n";
    let plain = Manifest::parse(head).unwrap();
    let iq = Manifest::parse(&format!(
        "{head}[[iq]]\nelement='x'\nnamespace='y'\nfrom=['any']\n"
    ))
    .unwrap();
    assert!(plain.check_hooks(|_| false).is_ok());
    assert!(iq.check_hooks(|h| h == "iq-handler").is_ok());
    let e = iq.check_hooks(|_| false).unwrap_err();
    assert!(e.message.contains("plugin!(…: IqHandler)"), "{e}");
    let e = plain.check_hooks(|h| h == "seal-filter").unwrap_err();
    assert!(e.message.contains("declares no [[seal]]"), "{e}");
}

#[test]
fn events_are_wanted_by_their_fields() {
    let text = "id='a'\nversion='1.0.0'\nsummary='s'\n\
                [[event]]\ntopic='n.changed'\nwhere={ns=['x','y'], size=['1']}\n\
                [[event]]\ntopic='n.changed'\nwhere={node=['z']}\n";
    let manifest = Manifest::parse(text).unwrap();
    for (data, wanted) in [
        (r#"{"ns":"x","size":1}"#, true),
        (r#"{"ns":["a","y"],"size":1}"#, true),
        (r#"{"ns":"x","size":2}"#, false),
        (r#"{"ns":[],"size":1}"#, false),
        (r#"{"size":1}"#, false),
        (r#"{"node":"z"}"#, true),
    ] {
        assert_eq!(manifest.wants_event("n.changed", data), wanted, "{data}");
    }
    assert!(manifest.wants_event("n.other", "{}"));
}

#[test]
fn uses_need_permissions() {
    let text =
        "id='a'\nversion='1.0.0'\nsummary='s'\n[permissions]\nxmpp='x'\n'acme.weather'='y'\n";
    let manifest = Manifest::parse(text).unwrap();
    assert!(manifest.check_uses(["xmpp", "log", "acme.weather"]).is_ok());
    let e = manifest.check_uses(["log", "storage"]).unwrap_err();
    assert!(e.message.contains("`storage = \"why\"`"), "{e}");
    let http = format!("{text}http='z'\n");
    let e = Manifest::parse(&http).unwrap().check_uses(["http"]);
    assert!(e.unwrap_err().message.contains("[http]"));
    let named = Manifest::parse(&format!("{http}[http]\nhosts=['a.example']\n")).unwrap();
    assert!(named.check_uses(["http"]).is_ok());
    assert_eq!(named.http_hosts()[0].to_string(), "a.example");
}

#[test]
fn sending_may_be_part_of_storing() {
    let text = "id = 'a'\nversion = '1.0.0'\nsummary = 's'\n[permissions]\nxmpp = 'x'\nhttp = 'y'\nlog = 'z'";
    let manifest = Manifest::parse(text).unwrap();
    let unused = |uses: &[&str]| {
        let uses: Vec<_> = uses.iter().map(|u| (*u).to_owned()).collect();
        manifest
            .unused(&uses)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(unused(&["http"]), ["xmpp"]);
    assert_eq!(unused(&["storage"]), ["http"]);
    assert!(unused(&["http", "xmpp"]).is_empty());
}
