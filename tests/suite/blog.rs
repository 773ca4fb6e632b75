//! Blogs, comments and reactions, between two accounts and with foreign clients.

use minidom::Element;
use sat_tests::{Kit, Peer, Server, backend::data, build, wait};
use serde_json::{Value, json};

const PLUGINS: [&str; 7] = [
    "roster",
    "presence",
    "disco",
    "pubsub",
    "blog",
    "comments",
    "reactions",
];
const BLOG: &str = "urn:xmpp:microblog:0";
const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
const ATOM: &str = "http://www.w3.org/2005/Atom";
const ROMEO: &str = "romeo@localhost";
const JULIET: &str = "juliet@localhost";

/// Two people who see each other's presence.
async fn friends(server: &Server) -> Kit {
    let kit = Kit::connected(server, &PLUGINS).await;
    for (who, whom) in [("romeo", "juliet"), ("juliet", "romeo")] {
        let jid = format!("{whom}@localhost");
        let contact = json!({"jid": jid, "groups": []});
        // Approving may have added the contact already.
        let added = kit.call(who, "roster.add", contact).await;
        assert!(added.is_ok() || added.is_err_and(|e| e.kind == "conflict"));
        kit.ok(who, "presence.subscribe", json!({"jid": jid})).await;
        let from = format!("{who}@localhost");
        kit.event(whom, "presence.requested", |e| e["jid"] == from.as_str())
            .await;
        kit.ok(whom, "presence.approve", json!({"jid": from})).await;
    }
    for name in ["romeo", "juliet"] {
        wait::until("both see each other", || async {
            let contacts = kit.ok(name, "roster.list", json!({})).await;
            (contacts[0]["subscription"] == "both").then_some(())
        })
        .await;
    }
    kit
}

/// Publishes an entry with these fields, and returns what comes back.
async fn publish(kit: &Kit, who: &str, fields: Value) -> Value {
    let mut request = json!({"body": "", "tags": [], "attachments": [], "extra": []});
    let all = request.as_object_mut().expect("an object");
    all.extend(fields.as_object().expect("an object").clone());
    kit.ok(who, "blog.publish", request).await
}

async fn feed(kit: &Kit, who: &str) -> Vec<Value> {
    let page = kit.ok(who, "blog.feed", json!({"extra": []})).await;
    page["items"].as_array().expect("items").clone()
}

fn titles(entries: &[Value]) -> Vec<&str> {
    entries.iter().filter_map(|e| e["title"].as_str()).collect()
}

/// Asks for the items of a node, and returns the answer's `<items/>`.
async fn items(peer: &mut Peer, of: &str, node: &str) -> Element {
    let ask = format!("<pubsub xmlns='{PUBSUB}'><items node='{node}'/></pubsub>");
    let answer = peer.ask("get", Some(of), &ask).await;
    let items = answer
        .get_child("pubsub", PUBSUB)
        .and_then(|p| p.get_child("items", PUBSUB));
    items
        .unwrap_or_else(|| panic!("no items: {}", String::from(&answer)))
        .clone()
}

/// Publishes an item as any client can.
async fn raw_publish(peer: &mut Peer, to: &str, node: &str, id: &str, entry: &str) {
    let ask = format!(
        "<pubsub xmlns='{PUBSUB}'><publish node='{node}'><item id='{id}'>\
         <entry xmlns='{ATOM}'>{entry}</entry></item></publish></pubsub>"
    );
    let answer = peer.ask("set", Some(to), &ask).await;
    assert_eq!(
        answer.attr("type"),
        Some("result"),
        "{}",
        String::from(&answer)
    );
}

fn titled(title: &'static str) -> impl Fn(&Value) -> bool {
    move |e| e["title"] == title
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_have_an_entry_in_their_feed_also_offline() {
    let mut server = Server::plain();
    let mut kit = friends(&server).await;
    let fields = json!({
        "title": "On balconies", "body": "But **soft**", "format": "markdown",
        "tags": ["Verona", "night"], "lang": "en",
        "attachments": [{"url": "https://localhost/moon.jpg", "media_type": "image/jpeg", "size": 7}],
    });
    let published = publish(&kit, "romeo", fields).await;
    assert_eq!(published["node"], BLOG);
    let came = data(
        &kit.event("juliet", "blog.published", titled("On balconies"))
            .await,
    );
    assert_eq!(
        (&came["service"], &came["text"]),
        (&json!(ROMEO), &json!("But soft"))
    );
    assert_eq!(came["id"], published["id"]);
    assert_eq!(came["author"]["jid"], ROMEO);
    assert!(
        came["html"]
            .as_str()
            .expect("HTML")
            .contains("<strong>soft</strong>")
    );
    assert_eq!(came["attachments"][0]["size"], 7);

    // Romeo sees for whom it is, and finds it by what it has.
    let of = |more: Value| {
        let mut request = json!({"extra": []});
        let all = request.as_object_mut().expect("an object");
        all.extend(more.as_object().expect("an object").clone());
        request
    };
    let own = kit
        .ok("romeo", "blog.list", of(json!({"tag": "verona"})))
        .await;
    assert_eq!(own["items"][0]["audience"], "contacts");
    for nothing in [
        json!({"tag": "Mantua"}),
        json!({"lang": "it"}),
        json!({"until": "2020-01-01T00:00:00Z"}),
        json!({"since": "2999-01-01T00:00:00Z"}),
    ] {
        let page = kit.ok("romeo", "blog.list", of(nothing)).await;
        assert_eq!(page["items"], json!([]));
    }
    let found = kit
        .ok(
            "juliet",
            "blog.search",
            json!({"text": "balc", "extra": []}),
        )
        .await;
    assert_eq!(found["items"][0]["id"], published["id"]);

    // A blog for contacts doesn't become public by the way.
    let public = json!({
        "body": "x", "audience": "public", "tags": [], "attachments": [], "extra": [],
    });
    let error = kit.call("romeo", "blog.publish", public).await.unwrap_err();
    assert_eq!(error.kind, "conflict");

    kit.stop().await;
    server.stop();
    kit.run().await;
    kit.profile("juliet").unlock("").await.expect("it opens");
    let entries = feed(&kit, "juliet").await;
    assert_eq!(titles(&entries), ["On balconies"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_read_what_we_write_and_the_other_way_round() {
    let server = Server::plain();
    let kit = friends(&server).await;
    let mut raw = Peer::online(&server, "romeo", "raw").await;
    let fields = json!({"id": "e1", "title": "T", "body": "<p>a <b>b</b><br>c</p><script>x</script>",
        "format": "xhtml", "audience": "public", "tags": ["t"], "comments": true});
    publish(&kit, "romeo", fields).await;

    // XEP-0277 §3.3 and §4, as any client sees it.
    let mut stranger = Peer::online(&server, "mallory", "raw").await;
    let all = items(&mut stranger, ROMEO, BLOG).await;
    let item = all.children().next().expect("an item");
    let entry = item.get_child("entry", ATOM).expect("an entry");
    assert_eq!(item.attr("id"), Some("e1"));
    let child = |name: &str| entry.get_child(name, ATOM).expect("it is there").clone();
    assert_eq!(child("title").text(), "T");
    assert_eq!(child("category").attr("term"), Some("t"));
    assert_eq!(
        child("id").text(),
        "xmpp:romeo@localhost?;node=urn%3Axmpp%3Amicroblog%3A0;item=e1"
    );
    let author = child("author");
    let uri = author.get_child("uri", ATOM).expect("a URI");
    assert_eq!(uri.text(), "xmpp:romeo@localhost");
    let contents: Vec<_> = entry.children().filter(|e| e.name() == "content").collect();
    let types: Vec<_> = contents.iter().map(|c| c.attr("type")).collect();
    assert_eq!(types, [Some("text"), Some("xhtml")]);
    let div = contents[1].get_child("div", "http://www.w3.org/1999/xhtml");
    assert_eq!(div.expect("a div").children().count(), 1);
    assert!(!String::from(entry).contains("script"));
    let mut links = entry.children().filter(|e| e.name() == "link");
    let replies = links
        .find(|l| l.attr("rel") == Some("replies"))
        .expect("a link");
    assert_eq!(replies.attr("title"), Some("comments"));
    let node = "urn%3Axmpp%3Amicroblog%3A0%3Acomments%2Fe1";
    assert_eq!(
        replies.attr("href"),
        Some(format!("xmpp:romeo@localhost?;node={node}").as_str())
    );

    // What another client of the account writes comes to contacts, whoever it says it is from.
    let foreign = "<title>From elsewhere</title><content type='html'>&lt;img src=x onerror=y&gt;hi</content>
        <author><name>Juliet</name><uri>xmpp:juliet@localhost</uri></author><published>bad</published>
        <geoloc xmlns='http://jabber.org/protocol/geoloc'><lat>45.4</lat></geoloc>";
    raw_publish(&mut raw, ROMEO, BLOG, "f1", foreign).await;
    let came = data(
        &kit.event("juliet", "blog.published", titled("From elsewhere"))
            .await,
    );
    assert!(
        !came["html"].as_str().expect("HTML").contains("onerror"),
        "{came}"
    );
    assert_eq!(came["author"]["jid"], ROMEO);
    assert_eq!(came["author"]["claimed"], JULIET);
    assert!(came["author"]["name"].is_null());

    // Our edit keeps what we don't know.
    let edit = json!({"id": "f1", "title": "Edited", "tags": ["new"], "clear": [], "extra": []});
    kit.ok("romeo", "blog.edit", edit).await;
    kit.event("juliet", "blog.updated", titled("Edited")).await;
    let all = String::from(&items(&mut stranger, ROMEO, BLOG).await);
    assert!(
        all.contains("<lat>45.4</lat>") && all.contains("Edited"),
        "{all}"
    );

    // A repetition says whose it is.
    let repeat = json!({"service": ROMEO, "id": "f1", "body": "So true", "extra": []});
    kit.ok("juliet", "blog.repeat", repeat).await;
    let came = data(
        &kit.event("romeo", "blog.published", |e| e["service"] == JULIET)
            .await,
    );
    assert_eq!(came["repeated_from"]["jid"], ROMEO);
    assert_eq!(came["repeated_from"]["id"], "f1");
    assert!(came["text"].as_str().expect("text").ends_with("So true"));

    let delete = json!({"id": "e1", "extra": []});
    kit.ok("romeo", "blog.delete", delete).await;
    let gone = |e: &Value| e["ids"] == json!(["e1"]);
    kit.event("juliet", "blog.deleted", gone).await;
    assert!(!titles(&feed(&kit, "juliet").await).contains(&"T"));
    // And with it the node of its comments.
    let node = "urn:xmpp:microblog:0:comments/e1";
    let ask = format!("<pubsub xmlns='{PUBSUB}'><items node='{node}'/></pubsub>");
    let answer = stranger.ask("get", Some(ROMEO), &ask).await;
    assert_eq!(answer.attr("type"), Some("error"));
}

/// Bodies that are made to take long, natively tested in `plugins/blog/src/html/tests.rs`: here
/// with the limits of plugins.
#[tokio::test(flavor = "multi_thread")]
async fn entangled_entries_stop_nobody() {
    let server = Server::plain();
    let kit = friends(&server).await;
    publish(&kit, "romeo", json!({"title": "First", "body": "x"})).await;
    let mut raw = Peer::online(&server, "romeo", "raw").await;
    let bodies = [
        "&lt;div&gt;".repeat(2990),
        "&lt;table&gt;&lt;b&gt;".repeat(1490),
        "&lt;a href=x&gt;&lt;b&gt;&lt;i&gt;".repeat(990),
        "&lt;p&gt;".repeat(10_000),
        "&amp;lt;".repeat(10_000),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let entry = format!("<title>T{number}</title><content type='html'>{body}</content>");
        raw_publish(&mut raw, ROMEO, BLOG, &format!("h{number}"), &entry).await;
    }
    publish(&kit, "romeo", json!({"title": "Last", "body": "x"})).await;
    kit.event("juliet", "blog.published", titled("Last")).await;
    // Each came, and at once, as no instance was ended by them.
    let came = kit.events("juliet", "blog.published").await.len();
    assert_eq!(came, bodies.len() + 2);
    assert_eq!(feed(&kit, "juliet").await.len(), bodies.len() + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_go_both_ways() {
    let server = Server::plain();
    let kit = friends(&server).await;
    let entry = json!({"id": "e1", "body": "What light?", "audience": "public", "comments": true});
    publish(&kit, "romeo", entry).await;
    kit.event("juliet", "blog.published", |e| e["id"] == "e1")
        .await;
    let node = "urn:xmpp:microblog:0:comments/e1";
    let on = json!({"service": ROMEO, "id": "e1", "body": "It is the east", "extra": []});
    let added = kit.ok("juliet", "comments.add", on).await;
    assert_eq!(
        (&added["service"], &added["node"]),
        (&json!(ROMEO), &json!(node))
    );
    // Romeo's are kept without being asked for.
    let says = |text: &'static str| move |e: &Value| e["text"] == text;
    let came = data(
        &kit.event("romeo", "comments.added", says("It is the east"))
            .await,
    );
    assert_eq!(came["author"]["jid"], JULIET);
    // Juliet watches, and a stranger with another client comments.
    let watched = json!({"service": ROMEO, "id": "e1", "extra": []});
    let watched = kit.ok("juliet", "comments.watch", watched).await;
    assert_eq!(watched["count"], 1);
    let mut stranger = Peer::online(&server, "mallory", "raw").await;
    let foreign = "<title>Lies</title><author><uri>xmpp:juliet@localhost</uri></author>";
    raw_publish(&mut stranger, ROMEO, node, "c2", foreign).await;
    for who in ["romeo", "juliet"] {
        let came = data(&kit.event(who, "comments.added", says("Lies")).await);
        // Told by a server that knows who it was; or nobody vouches for it.
        let author = &came["author"];
        assert!(
            author["claimed"] == JULIET || author["verified"] == false,
            "{author}"
        );
    }
    let list = json!({"service": ROMEO, "id": "e1", "extra": []});
    let page = kit.ok("romeo", "comments.list", list).await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
    // Romeo is master in his house.
    let delete = json!({"service": ROMEO, "node": node, "id": "c2", "extra": []});
    kit.ok("romeo", "comments.delete", delete).await;
    kit.event("juliet", "comments.deleted", |e| e["ids"] == json!(["c2"]))
        .await;
    // Comments are no entries of the feed.
    for who in ["romeo", "juliet"] {
        let entries = feed(&kit, who).await;
        assert_eq!(entries.len(), 1, "{entries:?}");
    }
    let none = json!({"id": "e2", "body": "No comment"});
    publish(&kit, "romeo", none).await;
    let on = json!({"service": ROMEO, "id": "e2", "body": "But why?", "extra": []});
    let error = kit.call("juliet", "comments.add", on).await.unwrap_err();
    assert_eq!(error.kind, "comments-disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_react() {
    let server = Server::plain();
    let kit = friends(&server).await;
    publish(&kit, "romeo", json!({"id": "e1", "body": "Look!"})).await;
    kit.event("juliet", "blog.published", |e| e["id"] == "e1")
        .await;
    let item = json!({"service": ROMEO, "node": BLOG, "id": "e1", "extra": []});
    // Romeo's reactions plugin has made the node by itself, and follows it.
    wait::until("the item can be reacted to", || async {
        let got = kit.call("romeo", "reactions.get", item.clone()).await;
        got.ok()
    })
    .await;
    let mut set = item.clone();
    set["noticed"] = true.into();
    set["reactions"] = json!(["🎉", "🩰"]);
    let mine = kit.ok("juliet", "reactions.set", set.clone()).await;
    assert_eq!(mine["own_noticed"], true);
    assert_eq!(mine["own_reactions"], json!(["🎉", "🩰"]));
    let told = |e: &Value| e["noticed"] == 1 || e["unverified"] == 1;
    let summary = data(&kit.event("romeo", "reactions.changed", told).await);
    assert_eq!(summary["id"], "e1");
    let people = json!({"service": ROMEO, "node": BLOG, "id": "e1", "extra": []});
    let people = kit.ok("romeo", "reactions.list", people).await;
    assert_eq!(people["items"][0]["jid"], JULIET);

    // Under Juliet's name, by somebody else: with the same server it can't count.
    let mut mallory = Peer::online(&server, "mallory", "raw").await;
    let node = "urn:xmpp:pubsub-attachments:1/xmpp:romeo@localhost?;node=urn%3Axmpp%3Amicroblog%3A0;item=e1";
    let forged = format!(
        "<pubsub xmlns='{PUBSUB}'><publish node='{node}'><item id='benvolio@localhost'>\
         <attachments xmlns='urn:xmpp:pubsub-attachments:1'><noticed/></attachments></item></publish></pubsub>"
    );
    let answer = mallory.ask("set", Some(ROMEO), &forged).await;
    assert_eq!(
        answer.attr("type"),
        Some("result"),
        "{}",
        String::from(&answer)
    );
    let summary = wait::until("the forged one is seen", || async {
        let summary = kit.ok("romeo", "reactions.get", item.clone()).await;
        (summary["unverified"].as_u64() >= Some(1)).then_some(summary)
    })
    .await;
    assert!(summary["noticed"].as_u64() <= Some(1), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pubsub_a_blog_waits_for_it() {
    let server = Server::plain();
    let kit = friends(&server).await;
    publish(&kit, "romeo", json!({"title": "Before", "body": "x"})).await;
    kit.event("juliet", "blog.published", titled("Before"))
        .await;
    kit.remove("pubsub", "pubsub").await;
    let request = json!({"body": "Lost?", "tags": [], "attachments": [], "extra": []});
    let error = kit
        .call("romeo", "blog.publish", request)
        .await
        .unwrap_err();
    assert_eq!(error.kind, "no-provider");
    assert!(error.message.contains("pubsub"), "{}", error.message);
    let version = "0.1.0";
    kit.add(&build::plugin("pubsub"), "pubsub", "pubsub", version)
        .await;
    assert_eq!(titles(&feed(&kit, "juliet").await), ["Before"]);
    publish(&kit, "romeo", json!({"title": "After", "body": "x"})).await;
    kit.event("juliet", "blog.published", titled("After")).await;
    assert_eq!(titles(&feed(&kit, "juliet").await), ["After", "Before"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blog_goes_out_and_comes_back_as_a_document() {
    let server = Server::plain();
    let kit = friends(&server).await;
    for title in ["One", "Two"] {
        publish(&kit, "romeo", json!({"title": title, "body": "x & <y>"})).await;
    }
    let exported = kit
        .ok("romeo", "blog.export_atom", json!({"extra": []}))
        .await;
    assert_eq!(
        (&exported["entries"], &exported["complete"]),
        (&json!(2), &json!(true))
    );
    let document = exported["document"].as_str().expect("a document");
    for _ in 0..2 {
        // Twice is the same as once.
        let import = json!({"document": document, "audience": "public", "extra": []});
        let imported = kit.ok("juliet", "blog.import_atom", import).await;
        assert_eq!(
            (&imported["entries"], &imported["refused"]),
            (&json!(2), &json!([]))
        );
    }
    let page = kit.ok("juliet", "blog.list", json!({"extra": []})).await;
    let entries = page["items"].as_array().expect("items");
    assert_eq!(titles(entries), ["Two", "One"]);
    // They are Romeo's, and say so.
    assert_eq!(entries[0]["author"]["claimed"], ROMEO);
    assert_eq!(entries[0]["text"], "x & <y>");
}
