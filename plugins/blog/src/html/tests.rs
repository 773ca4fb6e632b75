use super::*;
use sat_sdk::xml;
use std::time::{Duration, Instant};

/// What must never be in what is shown.
fn assert_harmless(html: &str, of: &str) {
    let lower = html.to_lowercase();
    for bad in [
        "<script",
        "<style",
        "<iframe",
        "<object",
        "<embed",
        "<form",
        "<input",
        "<svg",
        "<math",
        "<base",
        "<meta",
        "<link",
        "<template",
        " on",
        "javascript:",
        "vbscript:",
        "data:",
        " style=",
        "srcdoc",
        "formaction",
        "xlink",
    ] {
        // The words may stand in text, where nothing happens.
        let tags: String = lower
            .split('<')
            .skip(1)
            .filter_map(|t| t.split('>').next())
            .collect();
        let found = if bad.starts_with('<') {
            lower.contains(bad)
        } else {
            tags.contains(bad)
        };
        assert!(!found, "{bad:?} is in {html:?} of {of:?}");
    }
}

/// What the OWASP filter evasion collection and browsers' histories know.
const ATTACKS: [&str; 34] = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1);//<</script>",
    "<script/x>alert(1)</script",
    "<img src=x onerror=alert(1)>",
    "<img/src='x'/onerror=alert(1)>",
    "<img src=\"javascript:alert(1)\">",
    "<IMG SRC=JaVaScRiPt:alert(1)>",
    "<img src=`javascript:alert(1)`>",
    "<img \"\"\"><script>alert(1)</script>\">",
    "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
    "<a href=\"jav\nascript:alert(1)\">x</a>",
    "<a href=\" &#14;  javascript:alert(1)\">x</a>",
    "<a href='javascript&colon;alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a onmouseover=alert(1)>x</a>",
    "<body onload=alert(1)>",
    "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data='javascript:alert(1)'></object>",
    "<embed src='data:image/svg+xml;base64,x'>",
    "<style>@import 'javascript:alert(1)';</style>",
    "<div style='background:url(javascript:alert(1))'>x</div>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href='javascript:alert(1)//'>",
    "<form action='javascript:alert(1)'><input type=submit></form>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>",
    "<template><script>alert(1)</script></template><!--><img src=x onerror=alert(1)>-->",
];

#[test]
fn attacks_are_harmless() {
    for attack in ATTACKS {
        assert_harmless(&clean(attack).html, attack);
        // What is published of it, too.
        let xhtml = to_xhtml(&clean(attack).html).unwrap();
        assert_harmless(&xhtml, attack);
        // And when its sender calls it text.
        assert_harmless(&plain(attack).html, attack);
    }
    let all = ATTACKS.concat();
    assert_harmless(&clean(&all).html, "all of them");
}

#[test]
fn attacks_in_xhtml_are_harmless() {
    for inside in [
        "<script>alert(1)</script>",
        "<p onclick='alert(1)'>x</p>",
        "<a href='javascript:alert(1)'>x</a>",
        "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><p xmlns='http://www.w3.org/1999/xhtml'>x</p></svg>",
        "<img src='x&quot; onerror=&quot;alert(1)' alt='&quot;&gt;&lt;script&gt;'/>",
        "<style>&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;</style>",
        "<title>&lt;/title&gt;&lt;img src=x onerror=alert(1)&gt;</title>",
    ] {
        let tree = xml::parse(&format!(
            "<content xmlns='{}'>{inside}</content>",
            crate::atom::XHTML
        ));
        assert_harmless(&xhtml(&tree.unwrap()).html, inside);
    }
}

#[test]
fn what_is_allowed_stays() {
    let html = "<p>Hang <strong>out</strong> &amp; <em>eat</em><br/>\
        <a href='https://m.lit/a?b=1&amp;c=2' title='t'>here</a> \
        <img src='https://m.lit/p.png' alt='a &quot;b&quot;'></p><ul><li>one</li><li>two</li></ul>";
    let safe = clean(html);
    for part in [
        "<strong>out</strong>",
        "<li>one</li>",
        "b=1&amp;c=2",
        "noopener",
        "<img ",
    ] {
        assert!(
            safe.html.contains(part),
            "{part} is missing in {}",
            safe.html
        );
    }
    assert_eq!(safe.text, "Hang out & eat\nhere\n• one\n• two");
    assert!(!safe.reduced);
    // Relative links lead nowhere.
    assert_eq!(
        clean("<a href='/x'>x</a>").html,
        "<a rel=\"noopener noreferrer\">x</a>"
    );
}

#[test]
fn xhtml_is_well_formed() {
    for html in [
        "a<br>b<hr><img src='https://x.lit/?a=1&b=2'><p>c<p>d",
        "&nbsp;&copy;&lt;&amp;amp;",
        "<b><i>x</b></i>",
        "a\u{0}\u{b}\u{ffff}b",
        "<a title='&quot;&gt;<'>x</a>",
        "<table><tr><td>1<td>2</table>",
    ] {
        let xhtml = to_xhtml(&clean(html).html).unwrap();
        let tree = xml::parse(&format!(
            "<div xmlns='http://www.w3.org/1999/xhtml'>{xhtml}</div>"
        ));
        let tree = tree.unwrap_or_else(|e| panic!("{xhtml}: {}", e.message));
        // And it means the same.
        assert_eq!(super::xhtml(&tree).text, clean(html).text);
    }
    let deep = "<b>".repeat(DEPTH + 1);
    assert_eq!(to_xhtml(&deep).unwrap_err().code, "limit-reached");
}

#[test]
fn text_of_html() {
    for (html, text) in [
        ("a<br>b", "a\nb"),
        ("<p>a</p>\n<p>b</p>", "a\n\nb"),
        ("<h1>T</h1><div><div>x</div></div>y", "T\nx\ny"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("a &amp;lt; b &lt;", "a &lt; b <"),
        ("<a title=\">\">x</a>", "x"),
        ("  a \n\t b  ", "a b"),
        ("a<b", "a"),
        ("", ""),
    ] {
        assert_eq!(to_text(html), text, "{html}");
    }
    assert_eq!(
        plain("a\n\nb & <c>\nd").html,
        "<p>a</p><p>b &amp; &lt;c&gt;<br>d</p>"
    );
}

/// Bodies that are made to take long. Natively this is some times faster than in a plugin, which
/// has 200 ms.
#[test]
fn entangled_bodies_cost_little() {
    let fonts: String = (0..150).map(|n| format!("<font size={n}>")).collect();
    let formats: String = (0..2000).map(|n| format!("<b id={n}>")).collect();
    let bodies = [
        "<b>".repeat(40_000),
        "<p>".repeat(TAGS - 1),
        "<div>".repeat(TAGS - 1),
        "<b><p>".repeat(TAGS / 2 - 1),
        "<a href=x><b><i>".repeat(TAGS / 3 - 1),
        "<table>".repeat(TAGS - 1),
        "<table><b>".repeat(TAGS / 2 - 1),
        "<svg><p>".repeat(TAGS / 2 - 1),
        format!("{fonts}{}", "<p>x</p>".repeat(25)),
        format!("{formats}{}", "<p>x</p>".repeat(500)),
        "<".repeat(60_000),
        "&lt;".repeat(30_000),
        "<a title=\"".repeat(TAGS - 1),
    ];
    for body in bodies {
        let start = Instant::now();
        let safe = clean(&body);
        let took = start.elapsed();
        eprintln!("{:.20}: {took:?}, {} bytes", body, safe.html.len());
        assert!(took < Duration::from_secs(2), "{:.20}… took {took:?}", body);
        assert!(
            safe.html.len() < 8 * BODY,
            "{:.20}… grew to {}",
            body,
            safe.html.len()
        );
    }
}

#[test]
fn long_bodies_are_cut() {
    let safe = clean(&format!("<p>{}</p>", "é".repeat(BODY)));
    assert!(safe.reduced && safe.html.len() < BODY + 10);
    assert!(plain(&"é".repeat(BODY)).reduced);
    let safe = clean(&"<i>x</i>".repeat(TAGS));
    assert!(safe.reduced && safe.text.starts_with("xxx") && !safe.html.contains("<i>"));
}

#[test]
fn links() {
    for good in [
        "https://x.lit",
        "HTTP://x",
        "xmpp:a@b",
        "mailto:a@b",
        "geo:1,2",
    ] {
        assert!(is_safe_link(good, &SCHEMES), "{good}");
    }
    for bad in [
        "javascript:x",
        " https:x",
        "java\nscript:x",
        "/x",
        "",
        "data:x",
        "https:\nx",
    ] {
        assert!(!is_safe_link(bad, &SCHEMES), "{bad}");
    }
}
