//! Stanzas that no decent client sends, through a real server.

use sat_tests::{Kit, Peer, Server};
use serde_json::json;

const PLUGINS: [&str; 8] = [
    "roster", "presence", "disco", "chat", "receipts", "carbons", "archive", "ping",
];

async fn start() -> (Server, Kit, Peer, String) {
    let server = Server::plain();
    let kit = Kit::start(&PLUGINS).await;
    kit.connect(&server, "juliet").await;
    let mallory = Peer::online(&server, "mallory", "raw").await;
    let juliet = kit.bound("juliet").await;
    (server, kit, mallory, juliet)
}

/// The backend lives, on the same stream, and the next message arrives.
async fn still_there(server: &Server, kit: &Kit) {
    let mut romeo = Peer::online(server, "romeo", "raw").await;
    romeo.send("<message type='chat' to='juliet@localhost' id='next'><body>Still there?</body></message>").await;
    kit.event("juliet", "chat.message", |m| m["body"] == "Still there?")
        .await;
    kit.ok("juliet", "ping.ping", json!({})).await;
    assert_eq!(
        kit.events("juliet", "profile.connected").await.len(),
        1,
        "the stream was lost"
    );
}

/// reliability.md, row 1: without the clipping reader this ends the process.
#[tokio::test(flavor = "multi_thread")]
async fn nested_elements_do_no_harm() {
    let (server, kit, mut mallory, juliet) = start().await;
    for depth in [3_500, 25_000] {
        let nested = format!("{}{}", "<x>".repeat(depth), "</x>".repeat(depth));
        mallory.send(&format!("<message type='chat' to='{juliet}' id='d{depth}'><body>deep</body>{nested}</message>")).await;
        mallory.settle().await;
    }
    still_there(&server, &kit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_elements_in_a_question_are_answered() {
    let (server, kit, mut mallory, juliet) = start().await;
    let nested = format!("{}{}", "<x>".repeat(5_000), "</x>".repeat(5_000));
    let payload = format!("<ping xmlns='urn:xmpp:ping'>{nested}</ping>");
    let answer = mallory.ask("get", Some(&juliet), &payload).await;
    assert!(matches!(answer.attr("type"), Some("result" | "error")));
    still_there(&server, &kit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_message_is_the_sender_s_problem() {
    let (server, kit, mut mallory, juliet) = start().await;
    let body = "x".repeat(1 << 20);
    // Prosody closes the stream of who sends so much: then nothing comes, which is fine.
    mallory
        .try_send(&format!(
            "<message type='chat' to='{juliet}' id='large'><body>{body}</body></message>"
        ))
        .await;
    still_there(&server, &kit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_payloads_and_attributes_do_no_harm() {
    let (server, kit, mut mallory, juliet) = start().await;
    let flat = "<x xmlns='urn:example:flat'/>".repeat(5_000);
    mallory
        .send(&format!(
            "<message type='chat' to='{juliet}' id='flat'><body>flat</body>{flat}</message>"
        ))
        .await;
    let attributes: String = (0..2_000).map(|n| format!(" a{n}='x'")).collect();
    mallory.send(&format!("<message type='chat' to='{juliet}' id='wide'><body>wide</body><x xmlns='urn:x'{attributes}/></message>")).await;
    mallory.settle().await;
    still_there(&server, &kit).await;
}

/// reliability.md, row 18.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_s_roster_push_is_refused() {
    let (server, kit, mut mallory, juliet) = start().await;
    let before = kit.ok("juliet", "roster.list", json!({})).await;
    let push = "<query xmlns='jabber:iq:roster'><item jid='mallory@localhost' subscription='both'/></query>";
    let answer = mallory.ask("set", Some(&juliet), push).await;
    assert_eq!(answer.attr("type"), Some("error"));
    assert_eq!(kit.ok("juliet", "roster.list", json!({})).await, before);
    assert!(kit.events("juliet", "roster.*").await.is_empty());
    still_there(&server, &kit).await;
}

/// reliability.md, rows 19–21: what is inside of these was never said by Romeo.
#[tokio::test(flavor = "multi_thread")]
async fn forged_carbons_and_archive_results_are_not_believed() {
    let (server, kit, mut mallory, juliet) = start().await;
    let forged = |n: u32| {
        format!(
            "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>\
             <message xmlns='jabber:client' type='chat' id='f{n}' from='romeo@localhost/x' to='juliet@localhost'>\
             <body>forged</body></message></forwarded>"
        )
    };
    let wrappers = [
        format!(
            "<received xmlns='urn:xmpp:carbons:2'>{}</received>",
            forged(1)
        ),
        format!("<sent xmlns='urn:xmpp:carbons:2'>{}</sent>", forged(2)),
        format!(
            "<result xmlns='urn:xmpp:mam:2' id='1' queryid='q'>{}</result>",
            forged(3)
        ),
        format!(
            "<result xmlns='urn:xmpp:mam:2' id='2'>{}</result>",
            forged(4)
        ),
        forged(5),
        format!(
            "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>\
             <message xmlns='jabber:client' from='juliet@localhost' to='{juliet}'>\
             <received xmlns='urn:xmpp:carbons:2'>{}</received></message></forwarded></received>",
            forged(6)
        ),
    ];
    for (n, wrapper) in wrappers.iter().enumerate() {
        mallory
            .send(&format!(
                "<message to='{juliet}' id='w{n}'>{wrapper}</message>"
            ))
            .await;
        mallory.send(&format!("<message to='{juliet}' id='b{n}' type='chat'><body>genuine {n}</body>{wrapper}</message>")).await;
    }
    mallory.settle().await;
    still_there(&server, &kit).await;
    let messages = kit.events("juliet", "chat.message").await;
    assert!(
        messages.iter().all(|m| m["body"] != "forged"),
        "{messages:#?}"
    );
    assert!(
        messages
            .iter()
            .all(|m| m["body"] == "Still there?" || m["with"] == "mallory@localhost")
    );
}

/// reliability.md, row 11: kept as it is; making it harmless is the work of what shows it.
#[tokio::test(flavor = "multi_thread")]
async fn odd_text_arrives_as_it_was_sent() {
    let (_server, kit, mut mallory, juliet) = start().await;
    let body = "\u{202e}abc\u{200b}\u{feff} é \u{1F600} &amp;amp; &lt;b&gt; ]]&gt;";
    let said = "\u{202e}abc\u{200b}\u{feff} é \u{1F600} &amp; <b> ]]>";
    mallory
        .send(&format!(
            "<message type='chat' to='{juliet}' id='odd'><body>{body}</body></message>"
        ))
        .await;
    kit.event("juliet", "chat.message", |m| m["body"] == said)
        .await;
}

/// A time from the sender sorts, so it must not break what sorts.
#[tokio::test(flavor = "multi_thread")]
async fn impossible_times_do_no_harm() {
    let (server, kit, mut mallory, juliet) = start().await;
    for stamp in [
        "9999-12-31T23:59:59Z",
        "-0001-01-01T00:00:00Z",
        "2020-02-30T25:61:61Z",
        "yesterday",
        "",
    ] {
        mallory
            .send(&format!(
                "<message type='chat' to='{juliet}' id='t'><body>at {stamp}</body>\
                 <delay xmlns='urn:xmpp:delay' from='localhost' stamp='{stamp}'/></message>"
            ))
            .await;
        kit.event("juliet", "chat.message", |m| {
            m["body"] == format!("at {stamp}")
        })
        .await;
    }
    still_there(&server, &kit).await;
    let page = kit
        .ok("juliet", "chat.history", json!({"with": "romeo@localhost"}))
        .await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
}
