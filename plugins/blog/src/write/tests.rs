use super::*;
use crate::{bindings::sat::blog::types::Entry, entry::tests::item};

const HEAD: Head<'static> = Head {
    service: "romeo@montague.lit",
    node: "urn:xmpp:microblog:0",
    id: "1",
    published: "2020-01-01T00:00:00.000Z",
    updated: "2020-01-01T00:00:00.000Z",
};

fn request(title: Option<&str>, body: &str, format: &str) -> PublishRequest {
    PublishRequest {
        service: None,
        node: None,
        id: None,
        title: title.map(str::to_owned),
        body: body.into(),
        format: Some(format.into()),
        tags: vec!["a & b".into()],
        lang: Some("en".into()),
        attachments: vec![Attachment {
            url: "https://m.lit/a.jpg?x=1&y='2'".into(),
            media_type: Some("image/jpeg".into()),
            title: None,
            size: Some(7),
        }],
        name: None,
        audience: None,
        comments: None,
        extra: Vec::new(),
    }
}

fn edit_of(id: &str) -> EditRequest {
    EditRequest {
        service: None,
        node: None,
        id: id.into(),
        title: None,
        body: None,
        format: None,
        tags: None,
        lang: None,
        attachments: None,
        clear: Vec::new(),
        extra: Vec::new(),
    }
}

fn written(request: &PublishRequest) -> (String, Entry) {
    let comments = uri::node("romeo@montague.lit", "urn:xmpp:microblog:0:comments/1");
    let xml = new(&HEAD, "romeo@montague.lit", Some(&comments), request).unwrap();
    let entry = entry::read(&item(&xml), None).unwrap();
    (xml, entry)
}

fn edited(payload: &str, request: &EditRequest) -> (Element, Entry) {
    let mut tree = xml::parse(payload).unwrap();
    edit(&mut tree, request, "2021-01-01T00:00:00.000Z").unwrap();
    let entry = entry::read(&item(&xml::text(&tree)), None).unwrap();
    (tree, entry)
}

#[test]
fn reads_what_it_writes() {
    let (xml, entry) = written(&request(
        Some("T & t"),
        "Hi **all** <script>x</script>",
        "markdown",
    ));
    assert_eq!(entry.title, "T & t");
    assert_eq!(entry.text, "Hi all");
    assert!(
        entry.html.contains("<strong>all</strong>") && !xml.contains("script"),
        "{xml}"
    );
    assert_eq!(entry.tags, ["a & b"]);
    assert_eq!(entry.attachments[0].url, "https://m.lit/a.jpg?x=1&y='2'");
    assert_eq!(entry.attachments[0].size, Some(7));
    assert_eq!(entry.comments[0].node, "urn:xmpp:microblog:0:comments/1");
    assert_eq!(entry.lang.as_deref(), Some("en"));
    assert_eq!(entry.author.name.as_deref(), Some("romeo"));
    assert_eq!(entry.published, HEAD.published);
    // XEP-0277 §3.3: who writes XHTML writes text too.
    let tree = xml::parse(&xml).unwrap();
    let types: Vec<_> = atom::all(&tree, "content")
        .map(|c| c.attr("type").unwrap())
        .collect();
    assert_eq!(types, ["text", "xhtml"]);
}

#[test]
fn a_short_post_is_a_title() {
    let (xml, entry) = written(&request(None, "Hi <all>\n\nyes", "text"));
    let tree = xml::parse(&xml).unwrap();
    assert_eq!(
        atom::text(&tree, "title").as_deref(),
        Some("Hi <all>\n\nyes")
    );
    assert!(!tree.has_child("content", atom::NS));
    assert_eq!(
        (entry.title.as_str(), entry.text.as_str()),
        ("", "Hi <all>\n\nyes")
    );
    let (_, entry) = written(&request(None, "<p>Hi <b>all</b></p>", "xhtml"));
    assert_eq!((entry.title.as_str(), entry.text.as_str()), ("", "Hi all"));
    assert!(entry.html.contains("<b>"));
    let (_, entry) = written(&request(Some("Only that"), "", "text"));
    assert_eq!(entry.text, "Only that");
}

#[test]
fn refuses() {
    let refused = |change: &dyn Fn(&mut PublishRequest)| {
        let mut request = request(Some("T"), "b", "text");
        change(&mut request);
        new(&HEAD, "a@b", None, &request).unwrap_err().code
    };
    assert_eq!(
        refused(&|r| (r.title, r.body) = (None, " ".into())),
        "bad-request"
    );
    assert_eq!(refused(&|r| r.title = Some("a\nb".into())), "bad-request");
    assert_eq!(refused(&|r| r.format = Some("rtf".into())), "bad-request");
    assert_eq!(refused(&|r| r.lang = Some("en' x='".into())), "bad-request");
    assert_eq!(refused(&|r| r.tags = vec![String::new()]), "bad-request");
    assert_eq!(
        refused(&|r| r.tags = vec!["x".into(); MANY + 1]),
        "limit-reached"
    );
    assert_eq!(
        refused(&|r| r.attachments[0].url = "javascript:x".into()),
        "bad-request"
    );
    assert_eq!(refused(&|r| r.body = "x".repeat(70_000)), "limit-reached");
}

const FOREIGN: &str = "<entry xmlns='http://www.w3.org/2005/Atom' xmlns:thr='http://purl.org/syndication/thread/1.0' xml:lang='fr'>
    <title>Old</title><content type='text'>Old body</content><category term='old'/>
    <link rel='replies' title='comments' href='xmpp:c.lit?;node=n'/>
    <link rel='enclosure' href='https://x.lit/old'/>
    <thr:in-reply-to ref='tag:x'/><geoloc xmlns='http://jabber.org/protocol/geoloc'><lat>1</lat></geoloc>
    <rights>CC0</rights><updated>2020-01-01T00:00:00Z</updated></entry>";

#[test]
fn an_edit_changes_what_it_names() {
    let request = EditRequest {
        body: Some("New *body*".into()),
        format: Some("markdown".into()),
        tags: Some(vec!["new".into()]),
        ..edit_of("1")
    };
    let (tree, entry) = edited(FOREIGN, &request);
    assert_eq!(
        (entry.title.as_str(), entry.text.as_str()),
        ("Old", "New body")
    );
    assert_eq!(entry.tags, ["new"]);
    assert_eq!(entry.attachments.len(), 1);
    assert_eq!(entry.comments.len(), 1);
    assert_eq!(entry.lang.as_deref(), Some("fr"));
    assert_eq!(
        atom::text(&tree, "updated").as_deref(),
        Some("2021-01-01T00:00:00.000Z")
    );
    assert!(tree.has_child("in-reply-to", "http://purl.org/syndication/thread/1.0"));
    let geoloc = tree
        .get_child("geoloc", "http://jabber.org/protocol/geoloc")
        .unwrap();
    assert_eq!(
        geoloc.text() + &geoloc.children().next().unwrap().text(),
        "1"
    );
    assert_eq!(atom::text(&tree, "rights").as_deref(), Some("CC0"));

    let request = EditRequest {
        title: Some("New".into()),
        clear: vec!["tags".into(), "attachments".into(), "lang".into()],
        ..edit_of("1")
    };
    let (_, entry) = edited(FOREIGN, &request);
    assert_eq!(
        (entry.title.as_str(), entry.text.as_str()),
        ("New", "Old body")
    );
    assert!(entry.tags.is_empty() && entry.attachments.is_empty() && entry.lang.is_none());
    let request = EditRequest {
        clear: vec!["everything".into()],
        ..edit_of("1")
    };
    let mut tree = xml::parse(FOREIGN).unwrap();
    assert_eq!(
        edit(&mut tree, &request, "").unwrap_err().code,
        "bad-request"
    );
}

#[test]
fn short_posts_stay_short_until_they_get_a_title() {
    let short = "<entry xmlns='http://www.w3.org/2005/Atom'><title>Hi</title></entry>";
    let body = EditRequest {
        body: Some("Ho".into()),
        ..edit_of("1")
    };
    let (tree, entry) = edited(short, &body);
    assert_eq!((entry.title.as_str(), entry.text.as_str()), ("", "Ho"));
    assert!(!tree.has_child("content", atom::NS));
    let title = EditRequest {
        title: Some("T".into()),
        ..edit_of("1")
    };
    let (tree, entry) = edited(short, &title);
    assert_eq!((entry.title.as_str(), entry.text.as_str()), ("T", "Hi"));
    let none = EditRequest {
        clear: vec!["title".into()],
        ..edit_of("1")
    };
    let (tree, entry) = edited(&xml::text(&tree), &none);
    assert_eq!((entry.title.as_str(), entry.text.as_str()), ("", "Hi"));
    assert_eq!(atom::all(&tree, "title").count(), 1);
}

#[test]
fn of_several_languages_one_is_edited() {
    let both = "<entry xmlns='http://www.w3.org/2005/Atom' xml:lang='en'>
        <title>Hello</title><title xml:lang='de'>Hallo</title>
        <content>World</content><content xml:lang='de'>Welt</content></entry>";
    let request = EditRequest {
        body: Some("Erde".into()),
        lang: Some("de".into()),
        ..edit_of("1")
    };
    let (tree, entry) = edited(both, &request);
    assert_eq!(
        (entry.title.as_str(), entry.text.as_str()),
        ("Hello", "World")
    );
    let german = entry::read(&item(&xml::text(&tree)), Some("de")).unwrap();
    assert_eq!(
        (german.title.as_str(), german.text.as_str()),
        ("Hallo", "Erde")
    );
}

#[test]
fn a_repetition_names_the_original() {
    let source = "<entry xmlns='http://www.w3.org/2005/Atom' xml:lang='fr'><title>T</title>
        <content type='text'>B</content><category term='x'/><rights>mine</rights>
        <link rel='replies' title='comments' href='xmpp:c.lit?;node=n'/><id>tag:o</id>
        <author><name>Someone</name><uri>xmpp:liar@x.lit</uri></author></entry>";
    let mut of = item(source);
    of.service = "juliet@capulet.lit".into();
    of.publisher = Some("juliet@capulet.lit/x".into());
    let original = entry::read(&of, None).unwrap();
    let tree = xml::parse(source).unwrap();
    for (words, text) in [(None, "B"), (Some("So true"), "B\n\nSo true")] {
        let xml = repetition(&HEAD, &original, &tree, words).unwrap();
        let entry = entry::read(&item(&xml), None).unwrap();
        assert_eq!((entry.title.as_str(), entry.text.as_str()), ("T", text));
        assert_eq!(entry.tags, ["x"]);
        assert_eq!(entry.comments[0].node, "n");
        assert_eq!(entry.lang.as_deref(), Some("fr"));
        let origin = entry.repeated_from.unwrap();
        // Who published it, whatever it said.
        assert_eq!(origin.jid.as_deref(), Some("juliet@capulet.lit"));
        assert_eq!(origin.service.as_deref(), Some("juliet@capulet.lit"));
        assert_ne!(entry.atom_id.as_deref(), Some("tag:o"));
        assert!(!xml.contains("mine"));
    }
}
