use super::*;

const MICROBLOG: &str = "urn:xmpp:microblog:0";

/// An item as `pubsub` gives it, from Romeo's blog.
pub(crate) fn item(payload: &str) -> Item {
    Item {
        service: "romeo@montague.lit".into(),
        node: MICROBLOG.into(),
        id: "1".into(),
        publisher: Some("romeo@montague.lit/pda".into()),
        payload: payload.into(),
        element: "entry".into(),
        namespace: atom::NS.into(),
        stamp: "2020-01-01T00:00:00.000Z".into(),
        updated: "2020-01-02T00:00:00.000Z".into(),
        verified: true,
        extra: Vec::new(),
    }
}

fn entry(inside: &str) -> Entry {
    read(
        &item(&format!("<entry xmlns='{}'>{inside}</entry>", atom::NS)),
        None,
    )
    .unwrap()
}

/// XEP-0277, example 3.
#[test]
fn a_short_post() {
    let entry = entry(
        "<title type='text'>hanging out at the Caf&#233; Napolitano</title>
         <link rel='alternate' type='text/html' href='http://montague.lit/romeo/posts/1'/>
         <link rel='alternate' href='xmpp:romeo@montague.lit?;node=urn%3Axmpp%3Amicroblog%3A0;item=1'/>
         <id>tag:montague.lit,2008-05-08:posts-1</id>
         <published>2008-05-08T18:30:02Z</published>
         <updated>2008-05-08T18:30:02Z</updated>
         <generator uri='https://capu.chat' version='42'>CapuChat</generator>",
    );
    assert_eq!(entry.title, "");
    assert_eq!(entry.text, "hanging out at the Café Napolitano");
    assert_eq!(entry.html, "<p>hanging out at the Café Napolitano</p>");
    assert_eq!(entry.published, "2008-05-08T18:30:02.000Z");
    assert_eq!(entry.author.jid.as_deref(), Some("romeo@montague.lit"));
    assert!(entry.author.verified && entry.author.claimed.is_none());
    assert_eq!(entry.links.len(), 2);
    assert_eq!(entry.links[0].media_type.as_deref(), Some("text/html"));
    assert_eq!(
        entry.atom_id.as_deref(),
        Some("tag:montague.lit,2008-05-08:posts-1")
    );
}

/// XEP-0277, example 2.
#[test]
fn a_short_post_with_markup() {
    let entry = entry(
        "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>
           <p>hanging out at the <strong>Caf&#233;</strong></p></div></title>",
    );
    assert_eq!(
        (entry.title.as_str(), entry.text.as_str()),
        ("", "hanging out at the Café")
    );
    assert!(
        entry.html.contains("<strong>Café</strong>"),
        "{}",
        entry.html
    );
}

/// As Libervia publishes: both contents, tags, comments, the language on the entry.
#[test]
fn an_article_of_libervia() {
    let payload = "<entry xmlns='http://www.w3.org/2005/Atom' xml:lang='fr'>
        <title type='text'>Un titre</title>
        <title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>Un <em>titre</em></div></title>
        <content type='text'>Le texte</content>
        <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Le <b>texte</b></p></div></content>
        <author><name>Romeo</name><uri>xmpp:romeo@montague.lit</uri></author>
        <updated>2019-03-04T05:06:07Z</updated><published>2019-03-04T05:06:07+01:00</published>
        <id>xmpp:romeo@montague.lit?;node=urn%3Axmpp%3Amicroblog%3A0;item=1</id>
        <category term='sat'/><category term='xmpp'/><category term='sat'/><category/>
        <link title='comments' rel='replies'
          href='xmpp:comments.montague.lit?;node=urn%3Axmpp%3Amicroblog%3A0%3Acomments%2F1'/>
        </entry>";
    let entry = read(&item(payload), None).unwrap();
    assert_eq!(entry.title, "Un titre");
    assert_eq!(entry.text, "Le texte");
    assert!(entry.html.contains("<b>texte</b>"));
    assert_eq!(entry.tags, ["sat", "xmpp"]);
    assert_eq!(entry.lang.as_deref(), Some("fr"));
    assert_eq!(entry.comments[0].service, "comments.montague.lit");
    assert_eq!(entry.comments[0].node, "urn:xmpp:microblog:0:comments/1");
    assert_eq!(entry.author.name.as_deref(), Some("Romeo"));
    assert_eq!(entry.published, "2019-03-04T04:06:07.000Z");
}

/// As Movim publishes: HTML within CDATA, zones without a colon, pictures as enclosures.
#[test]
fn a_post_of_movim() {
    let entry = entry(
        "<id>1</id><title><![CDATA[A <title>]]></title>
         <author><name>romeo</name><uri>xmpp:romeo@montague.lit</uri></author>
         <link rel='replies' title='comments' href='xmpp:romeo@montague.lit?;node=urn:xmpp:microblog:0:comments/1'/>
         <link rel='related' href='https://example.org/'/>
         <link rel='enclosure' type='image/jpeg' title='Balcony' href='https://m.lit/a.jpg?x=1&amp;y=2' length='1024'/>
         <content type='html'><![CDATA[
           <html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>
           <p>Hi <b>all</b></p></body></html>]]></content>
         <published>2013-08-15T09:48:26+0200</published>",
    );
    assert_eq!(entry.title, "A <title>");
    assert_eq!(
        (entry.html.as_str(), entry.text.as_str()),
        ("<p>Hi <b>all</b></p>", "Hi all")
    );
    assert_eq!(entry.published, "2013-08-15T07:48:26.000Z");
    assert_eq!(entry.comments[0].node, "urn:xmpp:microblog:0:comments/1");
    assert_eq!(entry.attachments[0].url, "https://m.lit/a.jpg?x=1&y=2");
    assert_eq!(entry.attachments[0].size, Some(1024));
    assert!(entry.links.iter().any(|l| l.rel == "related"));
    assert!(!entry.links.iter().any(|l| l.rel == "enclosure"));
}

/// As feeds of the web have it.
#[test]
fn other_ways_to_have_a_body() {
    let html = entry("<title type='html'>A &amp;amp; B</title><summary>Only that</summary>");
    assert_eq!(
        (html.title.as_str(), html.text.as_str()),
        ("A & B", "Only that")
    );
    let both = entry("<title>T</title><summary>short</summary><content>long</content>");
    assert_eq!(both.text, "long");
    let elsewhere = entry(
        "<title>T</title><content src='https://x.lit/v.mp4' type='video/mp4'/><summary>S</summary>",
    );
    assert_eq!(elsewhere.text, "S");
    let no_title = entry("<content type='text/html'>&lt;b&gt;x&lt;/b&gt;</content>");
    assert_eq!(
        (no_title.title.as_str(), no_title.html.as_str()),
        ("", "<b>x</b>")
    );
    // What Gajim and others do for clients that show the title only.
    let twice = entry("<title>x y</title><content type='text'>x y</content>");
    assert_eq!((twice.title.as_str(), twice.text.as_str()), ("", "x y"));
    let nothing = entry("");
    assert_eq!((nothing.text.as_str(), nothing.html.as_str()), ("", ""));
    let binary = entry("<title>T</title><content type='image/png'>aGk=</content>");
    assert_eq!((binary.title.as_str(), binary.text.as_str()), ("", "T"));
}

#[test]
fn several_languages() {
    let payload = "<entry xmlns='http://www.w3.org/2005/Atom' xml:lang='en'>
        <title>Hello</title><title xml:lang='de-AT'>Servus</title>
        <content type='text'>World</content><content type='text' xml:lang='de-AT'>Welt</content></entry>";
    let all = ["en", "de-AT"];
    for (wanted, lang, title, text) in [
        (None, "en", "Hello", "World"),
        (Some("de"), "de-AT", "Servus", "Welt"),
        (Some("DE-at"), "de-AT", "Servus", "Welt"),
        (Some("fr"), "en", "Hello", "World"),
        (Some("d"), "en", "Hello", "World"),
    ] {
        let entry = read(&item(payload), wanted).unwrap();
        assert_eq!(entry.languages, all);
        assert_eq!(entry.lang.as_deref(), Some(lang), "{wanted:?}");
        assert_eq!((entry.title.as_str(), entry.text.as_str()), (title, text));
    }
    let none = entry("<title>x</title>");
    assert!(none.lang.is_none() && none.languages.is_empty());
}

/// XEP-0277, example 6.
#[test]
fn a_repetition() {
    let entry = entry(
        "<author><name>Juliet Capulet</name><uri>xmpp:juliet@capulet.lit</uri></author>
         <title>hanging out</title>
         <link rel='via' ref='tag:x' href='xmpp:juliet@capulet.lit?;node=urn%3Axmpp%3Amicroblog%3A0;item=a'/>",
    );
    let origin = entry.repeated_from.unwrap();
    assert_eq!(origin.service.as_deref(), Some("juliet@capulet.lit"));
    assert_eq!(origin.id.as_deref(), Some("a"));
    assert_eq!(origin.jid.as_deref(), Some("juliet@capulet.lit"));
    assert_eq!(origin.name.as_deref(), Some("Juliet Capulet"));
    // It is from who repeats, under no false name.
    assert_eq!(entry.author.jid.as_deref(), Some("romeo@montague.lit"));
    assert_eq!((entry.author.name, entry.author.claimed), (None, None));
}

#[test]
fn wrong_authors_are_marked() {
    let liar =
        "<author><name>Juliet</name><uri>xmpp:juliet@capulet.lit</uri></author><title>x</title>";
    let author = entry(liar).author;
    assert_eq!(author.jid.as_deref(), Some("romeo@montague.lit"));
    assert_eq!(author.claimed.as_deref(), Some("juliet@capulet.lit"));
    assert_eq!(author.name, None);

    let payload = format!("<entry xmlns='{}'>{liar}</entry>", atom::NS);
    // A service that says nothing: it is the blog's owner all the same.
    let mut silent = item(&payload);
    (silent.publisher, silent.verified) = (None, false);
    let author = read(&silent, None).unwrap().author;
    assert_eq!(author.jid.as_deref(), Some("romeo@montague.lit"));
    assert!(author.claimed.is_some() && !author.verified);
    // But others comment there, and write to the nodes of services.
    for (service, node) in [
        ("romeo@montague.lit", "urn:xmpp:microblog:0:comments/1"),
        ("pubsub.montague.lit", "news"),
    ] {
        silent.service = service.into();
        silent.node = node.into();
        let author = read(&silent, None).unwrap().author;
        assert_eq!(author.jid.as_deref(), Some("juliet@capulet.lit"));
        assert!(!author.verified, "nobody vouches for it");
    }
    // Who is the same in other letters is the same.
    let same = entry("<author><uri>xmpp:Romeo@Montague.lit/x</uri></author><title>x</title>");
    assert_eq!(same.author.claimed, None);
}

#[test]
fn bad_dates_give_way() {
    let stamp = "2020-01-01T00:00:00.000Z";
    for bad in [
        "",
        "yesterday",
        "2008-13-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "é+02",
    ] {
        let entry = entry(&format!("<title>x</title><published>{bad}</published>"));
        assert_eq!(entry.published, stamp, "{bad}");
    }
    let entry = entry(
        "<title>x</title><published>2019-01-01T00:00:00Z</published><updated>2018-01-01T00:00:00Z</updated>",
    );
    assert_eq!(entry.updated, entry.published);
}

#[test]
fn hostile_entries_are_made_harmless() {
    let many: String = (0..500)
        .map(|n| format!("<category term='{n}'/><link rel='enclosure' href='https://x/{n}'/>"))
        .collect();
    let entry = entry(&format!(
        "<title type='html'>&lt;script&gt;alert(1)&lt;/script&gt;x{}</title>
         <content type='html'>&lt;img src=x onerror=alert(1)&gt;</content>
         <link rel='alternate' href='javascript:alert(1)'/><link rel='enclosure' href='file:///etc/passwd'/>
         <link rel='replies' href='javascript:alert(1)'/><link rel='via' href='data:text/html,x'/>
         <link/><author/><author><uri>javascript:alert(1)</uri></author>{many}",
        "y".repeat(5000),
    ));
    assert!(entry.title.starts_with("xy") && entry.title.len() <= TITLE);
    assert!(!entry.html.contains("onerror"));
    assert!(entry.links.is_empty() && entry.comments.is_empty() && entry.repeated_from.is_none());
    assert!(entry.tags.len() <= MANY && entry.attachments.len() < MANY);
    assert!(
        entry
            .attachments
            .iter()
            .all(|a| a.url.starts_with("https:"))
    );
}

#[test]
fn what_is_no_entry() {
    for payload in [
        "",
        "x",
        "<entry/>",
        "<entry xmlns='x'/>",
        "<feed xmlns='http://www.w3.org/2005/Atom'/>",
    ] {
        assert!(read(&item(payload), None).is_none(), "{payload}");
    }
}
