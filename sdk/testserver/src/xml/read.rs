//! Text as trees, bounded in depth and size.

use crate::{ns, xml::Build};
use minidom::Element;
use rxml::{AsyncReader, Event, Parse};
use std::io;
use tokio::io::AsyncBufRead;

/// Elements inside each other, the stanza included; no real stanza has more than 20.
const MAX_DEPTH: usize = 64;
/// Bytes of one stanza on the wire; what Prosody allows to clients is 256 KiB.
const MAX_STANZA: usize = 512 * 1024;
/// Bytes of one name or attribute value.
const MAX_TOKEN: usize = 64 * 1024;

/// Why there is no next element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The connection ended without a word.
    Lost,
    /// What came is to be answered by this stream error (RFC 6120 §4.9.3).
    Wrong(&'static str),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|e| e.downcast_ref()) {
            Some(rxml::Error::InvalidEof(_)) | None => Self::Lost,
            Some(rxml::Error::RestrictedXml(_) | rxml::Error::UndeclaredEntity) => {
                Self::Wrong("restricted-xml")
            }
            Some(_) => Self::Wrong("not-well-formed"),
        }
    }
}

/// Reads a stream: its header, then one element after the other. Waiting for an element may be
/// given up and taken up again.
pub struct XmlReader<R> {
    events: AsyncReader<R>,
    tree: Tree,
}

impl<R: AsyncBufRead + Unpin> XmlReader<R> {
    /// A new stream on this connection.
    pub fn new(bytes: R) -> Self {
        Self {
            events: AsyncReader::wrap(bytes, parser()),
            tree: Tree::default(),
        }
    }

    /// The connection, for the stream that follows this one.
    pub fn into_inner(self) -> R {
        self.events.into_inner().0
    }

    /// The stream's header, as an element without content.
    pub async fn header(&mut self) -> Result<Element, Broken> {
        loop {
            match self.events.read().await? {
                None => return Err(Broken::Lost),
                Some(Event::StartElement(_, (ns, name), attributes)) => {
                    let mut header = Element::bare(name.as_str(), ns.as_str());
                    *header.attrs_mut() = attributes;
                    return Ok(header);
                }
                Some(_) => {}
            }
        }
    }

    /// The next element of the stream; none when the other side closed it.
    pub async fn next(&mut self) -> Result<Option<Element>, Broken> {
        loop {
            let event = self.events.read().await?.ok_or(Broken::Lost)?;
            match self.tree.take(event)? {
                Step::More => {}
                Step::Element(element) => return Ok(Some(element)),
                Step::End => return Ok(None),
            }
        }
    }
}

/// One element from its text, with the declarations of a client's stream around it.
///
/// # Errors
/// When the text isn't exactly one element.
pub fn parse(text: &str) -> Result<Element, Broken> {
    let text = format!("{}{text}</stream:stream>", super::header(ns::CLIENT, &[]));
    let mut bytes = text.as_bytes();
    let mut parser = parser();
    let (mut tree, mut found, mut started) = (Tree::default(), None, false);
    loop {
        let event = match parser.parse(&mut bytes, true) {
            Ok(Some(event)) => event,
            Ok(None) => return Err(Broken::Lost),
            Err(_) => return Err(Broken::Wrong("not-well-formed")),
        };
        if !started {
            started = matches!(event, Event::StartElement(..));
            continue;
        }
        match tree.take(event)? {
            Step::More => {}
            Step::Element(_) if found.is_some() => return Err(Broken::Wrong("invalid-xml")),
            Step::Element(element) => found = Some(element),
            Step::End => return found.ok_or(Broken::Wrong("invalid-xml")),
        }
    }
}

fn parser() -> rxml::Parser {
    use rxml::WithOptions;
    let options = rxml::Options {
        max_token_length: MAX_TOKEN,
        ..rxml::Options::default()
    };
    rxml::Parser::with_options(options)
}

enum Step {
    More,
    Element(Element),
    End,
}

/// Elements that are open, the outermost first.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    size: usize,
}

impl Tree {
    fn take(&mut self, event: Event) -> Result<Step, Broken> {
        self.size += event.metrics().len();
        if self.size > MAX_STANZA || self.open.len() > MAX_DEPTH {
            return Err(Broken::Wrong("policy-violation"));
        }
        match event {
            Event::XmlDeclaration(..) => {}
            Event::StartElement(_, (ns, name), attributes) => {
                let ns = match ns.as_str() {
                    ns::COMPONENT => ns::CLIENT,
                    other => other,
                };
                let mut element = Element::bare(name.as_str(), ns);
                *element.attrs_mut() = attributes;
                self.open.push(element);
            }
            Event::Text(_, text) => match self.open.last_mut() {
                Some(element) => {
                    element.append_text(text);
                }
                // Keep-alives between stanzas; anything else is no XMPP (RFC 6120 §11.7).
                None if text.trim().is_empty() => self.size = 0,
                None => return Err(Broken::Wrong("bad-format")),
            },
            Event::EndElement(_) => {
                let Some(element) = self.open.pop() else {
                    return Ok(Step::End);
                };
                match self.open.pop() {
                    Some(parent) => self.open.push(parent.child(element)),
                    None => {
                        self.size = 0;
                        return Ok(Step::Element(element));
                    }
                }
            }
        }
        Ok(Step::More)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &str) -> Result<Option<Element>, Broken> {
        let text = format!("{}{text}", crate::xml::header(ns::CLIENT, &[]));
        let mut reader = XmlReader::new(text.as_bytes());
        reader.header().await.unwrap();
        reader.next().await
    }

    #[tokio::test]
    async fn depth_and_size_are_bounded() {
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        assert!(read(&deep(64)).await.is_ok());
        let wrong = Err(Broken::Wrong("policy-violation"));
        assert_eq!(read(&deep(66)).await, wrong);
        let long = format!("<a>{}</a>", "x".repeat(MAX_STANZA));
        assert_eq!(read(&long).await, wrong);
    }

    #[tokio::test]
    async fn what_is_no_xmpp_is_refused() {
        let wrong = |condition| Err(Broken::Wrong(condition));
        assert_eq!(read("<a></b>").await, wrong("not-well-formed"));
        assert_eq!(read("<a>&e;</a>").await, wrong("restricted-xml"));
        assert_eq!(read("<!-- x --><a/>").await, wrong("restricted-xml"));
        assert_eq!(read("words<a/>").await, wrong("bad-format"));
        assert_eq!(read(" \n").await, Err(Broken::Lost));
        assert_eq!(read("</stream:stream>").await, Ok(None));
    }
}
