//! What passes, what is left out, and that nothing depends on how the bytes come in.

use tokio::io::{AsyncReadExt, BufReader};

use super::*;

const HEAD: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' version=\"1.0\" a='>/'>";
const TAIL: &str = "</stream:stream>";

/// Gives its input in pieces of the given sizes.
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: Box<dyn FnMut() -> usize + 'a>,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let size = (this.sizes)()
            .clamp(1, out.remaining())
            .min(this.rest.len());
        let (now, later) = this.rest.split_at(size);
        out.put_slice(now);
        this.rest = later;
        Poll::Ready(Ok(()))
    }
}

async fn clip_by(input: &str, sizes: impl FnMut() -> usize) -> io::Result<(String, u64)> {
    let pieces = Pieces {
        rest: input.as_bytes(),
        sizes: Box::new(sizes),
    };
    let mut reader = ClipReader::new(BufReader::with_capacity(8192, pieces));
    let mut output = Vec::new();
    reader.read_to_end(&mut output).await?;
    Ok((
        String::from_utf8(output).expect("cut within a character"),
        reader.clips(),
    ))
}

async fn clip(input: &str) -> io::Result<(String, u64)> {
    clip_by(input, || usize::MAX).await
}

fn stream(stanzas: &str) -> String {
    format!("{HEAD}{stanzas}{TAIL}")
}

fn nested(depth: usize, inner: &str) -> String {
    format!(
        "{}{inner}{}",
        "<x xmlns='y' a=\"/>\">".repeat(depth),
        "</x>".repeat(depth)
    )
}

/// Depth of a well-formed document; fails on one that isn't.
fn depth(document: &str) -> usize {
    use rxml::Parse;
    let mut parser = rxml::Parser::default();
    let mut rest = document.as_bytes();
    let (mut open, mut deepest) = (0, 0);
    loop {
        match parser
            .parse(&mut rest, true)
            .expect("output isn't well-formed")
        {
            Some(rxml::Event::StartElement(..)) => {
                open += 1;
                deepest = deepest.max(open);
            }
            Some(rxml::Event::EndElement(_)) => open -= 1,
            Some(_) => {}
            None => return deepest,
        }
    }
}

/// A small generator of numbers, the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

/// A well-formed stanza with all that XML offers.
fn stanza(draw: &mut Draw, steps: usize) -> String {
    let mut output = "<message to='a@b/c>d' x=\"'\">".to_owned();
    let mut open = Vec::new();
    for _ in 0..steps {
        match draw.below(12) {
            0..=3 => {
                let name = ["a", "b:c", "é"][draw.below(3)];
                output += &format!("<{name} xmlns:b='b' q='/' r=\"&lt;/>\" >");
                open.push(name);
            }
            4..=5 => {
                if let Some(name) = open.pop() {
                    output += &format!("</{name} >");
                }
            }
            6 => output += "<e/>",
            7 => output += "<e f='/'/>",
            8 => output += "<![CDATA[<no> ]] ]>]]>",
            9 => output += "&amp;&#x1F600;&#10;",
            10 => output += &"grüße 👋 > ' \"".repeat(draw.below(4)),
            _ => output += &"äöü€".repeat(draw.below(2000)),
        }
    }
    for name in open.iter().rev() {
        output += &format!("</{name}>");
    }
    output + "</message>"
}

#[tokio::test]
async fn below_the_limits_nothing_changes() {
    let deepest = format!(
        "<message>{}</message> \n<r/>",
        nested(63, "<![CDATA[<z>]]>&lt;")
    );
    let largest = format!("<message>{}</message>", "x".repeat(MAX_STANZA - 100));
    for stanzas in ["", "<message/><iq a='1'/>", &deepest, &largest] {
        let input = stream(stanzas);
        assert_eq!(clip(&input).await.unwrap(), (input, 0));
    }
}

#[tokio::test]
async fn what_is_too_deep_is_left_out() {
    for levels in [64, 65, 3_500, 30_000] {
        let inner = nested(levels, "text<![CDATA[</x>]]><a/>");
        let input = stream(&format!("<message>{inner}</message><next/>"));
        let (output, clips) = clip(&input).await.unwrap();
        assert_eq!(depth(&output), 65, "the root and 64 levels");
        assert!(output.ends_with("</message><next/></stream:stream>"));
        assert_eq!(clips, 1);
    }
}

#[tokio::test]
async fn text_and_cdata_at_the_deepest_level_stay() {
    let input = stream(&format!(
        "<m>{}</m>",
        nested(63, "a<b>c</b>d<b/><![CDATA[e]]>f<b a='>'/>")
    ));
    let (output, _) = clip(&input).await.unwrap();
    assert!(output.contains(">ad<![CDATA[e]]>f</x>"), "{output}");
}

#[tokio::test]
async fn what_is_too_long_is_left_out() {
    let long = "€&amp;".repeat(MAX_STANZA / 4);
    let cdata = format!("<c><![CDATA[{}]]>more<d/></c>", "]é".repeat(MAX_STANZA / 2));
    for content in [
        format!("<body>{long}</body><x/>tail"),
        cdata,
        "<flat/>".repeat(100_000),
    ] {
        let input = stream(&format!("<message>{content}</message><iq/>"));
        let (output, clips) = clip(&input).await.unwrap();
        assert!(output.len() < MAX_STANZA + 300, "{}", output.len());
        assert!(output.len() > MAX_STANZA, "{}", output.len());
        assert!(depth(&output) <= 3);
        assert!(output.ends_with("</message><iq/></stream:stream>"));
        assert_eq!(clips, 1);
    }
}

#[tokio::test]
async fn random_stanzas_stay_well_formed_however_they_come_in() {
    let mut draw = Draw(7);
    for round in 0..60 {
        let steps = [20, 400, 3000][round % 3];
        let stanzas: String = (0..3).map(|_| stanza(&mut draw, steps)).collect();
        let input = stream(&stanzas);
        let whole = clip(&input).await.unwrap();
        assert!(depth(&whole.0) <= 65);
        if whole.1 == 0 {
            assert_eq!(whole.0, input);
        }
        let mut sizes = Draw(round as u64);
        assert_eq!(
            clip_by(&input, || 1 + sizes.below(50)).await.unwrap(),
            whole
        );
        if round < 6 {
            assert_eq!(clip_by(&input, || 1).await.unwrap(), whole);
        }
    }
}

#[tokio::test]
async fn comments_instructions_and_document_types_end_the_stream() {
    for bad in [
        "<!-- -->",
        "<?php?>",
        "<!DOCTYPE a>",
        "<?xmlish ?>",
        "<![CDATA[x]]>",
    ] {
        assert!(clip(&stream(bad)).await.is_err(), "{bad}");
    }
    for bad in [
        "<!-- -->",
        "<?php?>",
        "<?xml version='1.0'?>",
        "<!DOCTYPE a>",
    ] {
        assert!(
            clip(&stream(&format!("<m>{bad}</m>"))).await.is_err(),
            "{bad}"
        );
        let deep = stream(&format!("<m>{}</m>", nested(90, bad)));
        assert!(clip(&deep).await.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn endless_stanzas_end_the_stream() {
    let text = "x".repeat(HARD_LIMIT + 10);
    for endless in [
        format!("<m>{text}"),
        format!("<m a='{text}"),
        format!("<m>{}", nested(90, &text)),
    ] {
        assert!(clip(&format!("{HEAD}{endless}")).await.is_err());
    }
    // Whitespace between stanzas and any number of stanzas are no limit.
    let many = format!(
        "{}{}",
        " ".repeat(HARD_LIMIT + 10),
        "<m>x</m>".repeat(HARD_LIMIT / 4)
    );
    assert!(clip(&stream(&many)).await.is_ok());
}

#[tokio::test]
async fn a_reset_is_only_what_was_told() {
    let twice = format!("{HEAD}<success/>{HEAD}{}", nested(80, ""));
    let split = HEAD.len() + "<success/>".len();
    let mut reader = ClipReader::new(BufReader::new(twice.as_bytes()));
    let mut first = vec![0; split];
    reader.read_exact(&mut first).await.unwrap();
    reader.reset();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest.matches("<x").count(), 64);

    // A header within a stream is a stanza as any other, so it can't hide depth.
    let hidden = format!("{HEAD}{}", "<s:stream>".repeat(100));
    assert_eq!(
        clip(&hidden).await.unwrap().0.matches("<s:stream>").count(),
        64
    );
}

#[tokio::test]
async fn random_bytes_do_no_harm() {
    let mut draw = Draw(3);
    let alphabet = [
        "<", ">", "/", "a", "'", "\"", "!", "[CDATA[", "]", "&", ";", "?xml ", " ", "é",
    ];
    for _ in 0..2000 {
        let input: String = (0..60)
            .map(|_| alphabet[draw.below(alphabet.len())])
            .collect();
        let _ = clip_by(&format!("<r><s>{input}"), || 3).await;
    }
}
