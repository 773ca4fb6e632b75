//! The state machine of the clipping reader: which bytes stay and which are left out.

use std::io;

use super::{HARD_LIMIT, MAX_DEPTH, MAX_STANZA};

/// Open elements that may stay: the stream root and `MAX_DEPTH` levels of stanza.
const MAX_OPEN: u32 = MAX_DEPTH + 1;

/// What to do with the head of a buffer, in this order.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Plan {
    /// So many bytes pass.
    pub(super) keep: usize,
    /// So many bytes after them are left out.
    pub(super) skip: usize,
    /// These bytes take their place.
    pub(super) insert: &'static [u8],
}

/// Where in the XML syntax the next byte stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After `&`, until `;`: never cut here.
    Entity,
    /// What is left out up to and with the next `<`: text that is too much, if any.
    Surplus,
    /// After a `<` of which is not known yet whether it may stay.
    Held,
    /// After `<`.
    Open,
    /// In a start tag; the byte before the next one decides about `/>`.
    Start {
        last: u8,
    },
    /// In a quoted value of a start tag.
    Quoted(u8),
    End,
    /// After `<!`: so many bytes of `[CDATA[` were seen.
    Bang(usize),
    /// In a CDATA section, after so many `]` (at most 2).
    CData(u8),
    /// After `<?`: so many bytes of `xml` were seen.
    Question(usize),
    /// In the XML declaration, after a `?` or not.
    Declaration(bool),
}

/// Follows the syntax of one stream.
#[derive(Debug, Default)]
pub(super) struct Machine {
    state: State,
    /// Open elements that the parser knows of.
    open: u32,
    /// Bytes since the current stanza began.
    seen: usize,
    /// Whether the current token and its subtree are left out.
    dropping: bool,
    /// Open elements within what is left out.
    dropped: u32,
    /// Whether something was left out of the current stanza.
    clipped: bool,
    clips: u64,
    insert: &'static [u8],
}

impl Machine {
    pub(super) fn clips(&self) -> u64 {
        self.clips
    }

    pub(super) fn add_clips(&mut self, clips: u64) {
        self.clips += clips;
    }

    /// Decides about a first part of `buffer`, which isn't empty.
    pub(super) fn scan(&mut self, buffer: &[u8]) -> io::Result<Plan> {
        let mut rest = buffer;
        while !rest.is_empty() && self.insert.is_empty() && !self.leaves_out() {
            let amount = self.step(rest)?;
            rest = rest.get(amount..).unwrap_or_default();
        }
        let keep = buffer.len() - rest.len();
        while !rest.is_empty() && self.insert.is_empty() && self.leaves_out() {
            let amount = self.step(rest)?;
            rest = rest.get(amount..).unwrap_or_default();
        }
        let skip = buffer.len() - rest.len() - keep;
        Ok(Plan {
            keep,
            skip,
            insert: std::mem::take(&mut self.insert),
        })
    }

    fn leaves_out(&self) -> bool {
        self.dropping || matches!(self.state, State::Held | State::Surplus)
    }

    fn in_stanza(&self) -> bool {
        self.open > 1
    }

    fn is_over(&self) -> bool {
        self.in_stanza() && self.seen >= MAX_STANZA
    }

    /// Advances over at least one byte, or changes the state.
    fn step(&mut self, rest: &[u8]) -> io::Result<usize> {
        let Some(&byte) = rest.first() else {
            return Ok(0);
        };
        let amount = match self.state {
            State::Text => self.text(rest, byte),
            State::Entity => {
                let found = find(rest, |byte| byte == b';' || byte == b'<');
                match found.map(|at| (at, rest.get(at))) {
                    Some((at, Some(b';'))) => {
                        self.state = State::Text;
                        at + 1
                    }
                    Some((at, _)) => {
                        self.state = State::Text;
                        at
                    }
                    None => rest.len(),
                }
            }
            State::Surplus => match find(rest, |byte| byte == b'<') {
                Some(at) => {
                    self.state = State::Held;
                    at + 1
                }
                None => rest.len(),
            },
            State::Held => self.held(byte),
            State::Open => {
                self.state = match byte {
                    b'/' => State::End,
                    b'!' => State::Bang(0),
                    b'?' => State::Question(0),
                    _ => State::Start { last: byte },
                };
                if byte == b'?' && self.in_stanza() {
                    return Err(refused("a processing instruction"));
                }
                1
            }
            State::Start { last } => self.start(rest, last),
            State::Quoted(quote) => match find(rest, |byte| byte == quote) {
                Some(at) => {
                    self.state = State::Start { last: quote };
                    at + 1
                }
                None => rest.len(),
            },
            State::End => match find(rest, |byte| byte == b'>') {
                Some(at) => {
                    self.close();
                    at + 1
                }
                None => rest.len(),
            },
            State::Bang(matched) => {
                if b"[CDATA[".get(matched) != Some(&byte) || !self.in_stanza() {
                    return Err(refused("a comment or a document type"));
                }
                self.state = if matched == 6 {
                    State::CData(0)
                } else {
                    State::Bang(matched + 1)
                };
                1
            }
            State::CData(brackets) => self.cdata(rest, byte, brackets),
            State::Question(matched) => {
                let expected = match matched {
                    0 => byte == b'x',
                    1 => byte == b'm',
                    2 => byte == b'l',
                    _ => byte.is_ascii_whitespace(),
                };
                if !expected {
                    return Err(refused("a processing instruction"));
                }
                self.state = if matched == 3 {
                    State::Declaration(false)
                } else {
                    State::Question(matched + 1)
                };
                1
            }
            State::Declaration(question) => {
                self.state = match byte {
                    b'>' if question => State::Text,
                    _ => State::Declaration(byte == b'?'),
                };
                1
            }
        };
        self.count(amount)?;
        Ok(amount)
    }

    /// Adds to the stanza's size; whitespace between stanzas belongs to none.
    fn count(&mut self, amount: usize) -> io::Result<()> {
        if self.in_stanza() || self.state != State::Text {
            self.seen = self.seen.saturating_add(amount);
        }
        if self.seen > HARD_LIMIT {
            return Err(refused("a stanza of more than 4 MiB"));
        }
        Ok(())
    }

    fn text(&mut self, rest: &[u8], byte: u8) -> usize {
        if byte == b'<' {
            if self.dropping {
                self.state = State::Open;
            } else if self.open >= MAX_OPEN || self.is_over() {
                // From here on bytes are left out, until the next one tells what the `<` begins.
                self.state = State::Surplus;
                return 0;
            } else {
                self.state = State::Open;
            }
            if !self.in_stanza() {
                self.seen = 0;
                self.clipped = false;
            }
            return 1;
        }
        if self.dropping {
            return find(rest, |byte| byte == b'<').unwrap_or(rest.len());
        }
        let run = if self.in_stanza() {
            match MAX_STANZA.saturating_sub(self.seen) {
                0 if is_continuation(byte) => return 1,
                0 => {
                    self.clip();
                    self.state = State::Surplus;
                    return 0;
                }
                room => rest.get(..room).unwrap_or(rest),
            }
        } else {
            rest
        };
        if byte == b'&' {
            self.state = State::Entity;
            return 1;
        }
        find(run, |byte| byte == b'<' || byte == b'&').unwrap_or(run.len())
    }

    fn held(&mut self, byte: u8) -> usize {
        match byte {
            b'/' => {
                // The end of an element that stays.
                self.state = State::Open;
                self.insert = b"<";
                0
            }
            b'!' if !self.is_over() => {
                self.state = State::Open;
                self.insert = b"<";
                0
            }
            _ => {
                self.clip();
                self.dropping = true;
                self.dropped = 0;
                self.state = State::Open;
                0
            }
        }
    }

    fn start(&mut self, rest: &[u8], last: u8) -> usize {
        let found = find(rest, |byte| matches!(byte, b'>' | b'"' | b'\''));
        let before = match found {
            Some(0) => last,
            Some(at) => rest.get(at - 1).copied().unwrap_or(last),
            None => rest.last().copied().unwrap_or(last),
        };
        match found.and_then(|at| rest.get(at).map(|byte| (at, *byte))) {
            Some((at, b'>')) => {
                if before == b'/' {
                    self.closed_itself();
                } else {
                    if self.dropping {
                        self.dropped += 1;
                    } else {
                        self.open += 1;
                    }
                    self.state = State::Text;
                }
                at + 1
            }
            Some((at, quote)) => {
                self.state = State::Quoted(quote);
                at + 1
            }
            None => {
                self.state = State::Start { last: before };
                rest.len()
            }
        }
    }

    fn cdata(&mut self, rest: &[u8], byte: u8, brackets: u8) -> usize {
        match byte {
            b'>' if brackets == 2 => {
                self.closed_itself();
                return 1;
            }
            _ if !self.dropping && self.is_over() && !is_continuation(byte) => {
                self.clip();
                self.dropping = true;
                self.dropped = 0;
                self.insert = b"]]>";
                return 0;
            }
            b']' => {
                self.state = State::CData((brackets + 1).min(2));
                return 1;
            }
            _ => {}
        }
        self.state = State::CData(0);
        let room = match MAX_STANZA.saturating_sub(self.seen) {
            0 if !self.dropping => 1,
            room if !self.dropping => room,
            _ => rest.len(),
        };
        let run = rest.get(..room).unwrap_or(rest);
        find(run, |byte| byte == b']').unwrap_or(run.len())
    }

    /// An end tag was read.
    fn close(&mut self) {
        if self.dropping {
            self.dropped = self.dropped.saturating_sub(1);
            self.closed_itself();
        } else {
            self.open = self.open.saturating_sub(1);
            self.state = State::Text;
        }
    }

    /// Something without children ended: an empty element or a CDATA section.
    fn closed_itself(&mut self) {
        self.state = State::Text;
        if self.dropping && self.dropped == 0 {
            self.dropping = false;
        }
    }

    fn clip(&mut self) {
        if !self.clipped {
            self.clipped = true;
            self.clips += 1;
            tracing::warn!(
                "a stanza was too deep or too large, what exceeds the limits is left out"
            );
        }
    }
}

/// Whether this byte continues a character of UTF-8.
fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

fn find(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    bytes.iter().position(|byte| wanted(*byte))
}

fn refused(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the server sent {what}"),
    )
}
