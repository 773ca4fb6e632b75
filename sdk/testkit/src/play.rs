//! Scenarios as text, in the manner of Prosody's scansion.
//!
//! ```text
//! # Pings are answered, and asked.
//! [Profile] Juliet
//! [Client] Romeo
//!
//! Juliet connects
//! Romeo connects
//! Romeo sends:
//!     <iq type='get' id='1' to='$Juliet'><ping xmlns='urn:xmpp:ping'/></iq>
//! Romeo receives:
//!     <iq type='result' id='1' from='$Juliet'/>
//! Juliet calls ping.ping {"to": "verona.lit"}
//! Juliet gets {"jid": "verona.lit"}
//! ```
//!
//! A `[Profile]` is a profile of the backend, a `[Client]` a raw XMPP client that says what is
//! written; both have an account of that name at `verona.lit`. `$Name` is the full JID of one
//! who is connected, `$Name.bare` the bare one. What must come is described by what is written:
//! other attributes, children and fields may be there; `$any` stands for anything, `$any:word`
//! for anything that later lines call `$word`. Blocks of XML or JSON follow on indented lines,
//! or on the same line behind what they belong to.
//!
//! | line | what happens |
//! |---|---|
//! | `NAME connects`, `NAME disconnects` | the stream begins, or ends in order |
//! | `NAME's connection is lost` | without a word, as a network does it; a profile comes back by itself when time passes |
//! | `NAME and NAME are friends` | they are in each other's roster, subscribed both ways |
//! | `CLIENT sends:` XML | stanzas, as they are |
//! | `CLIENT receives:` XML | a stanza that fits comes, or came and wasn't received by a line yet; several in any order |
//! | `CLIENT receives nothing [else]` | nothing is left; presences don't count |
//! | `CLIENT forgets` | what came until now is received |
//! | `PROFILE calls METHOD` JSON | a method, as frontends do |
//! | `PROFILE gets` JSON | what the last call returned |
//! | `PROFILE fails WORD` | the last call failed with this word |
//! | `PROFILE sees TOPIC` JSON | an event that fits, behind the one seen before |
//! | `PROFILE sees no TOPIC` | no such event behind the one seen before |
//! | `PROFILE sets OWNER.NAME` JSON | a setting |
//! | `the server says to NAME:` XML | injects stanzas, with any sender |
//! | `the server answers IQS with WORD` | `IQS` is a namespace; `WORD` a stanza error, `silence` or `nothing` (as usual again) |
//! | `the web answers URL with:` TEXT | a page: HTML when it begins with `<`, JSON with `{`; a number alone is a status. There is no other web |
//! | `N seconds pass`, `minutes`, `hours`, `days` | at once |
//! | `the plugin ID is taken out`, `… is put back` | the file |
//! | `the plugin ID has not crashed` | in any profile |
//! | `the backend restarts` | profiles come back closed: `connects` opens them |

mod parse;
mod run;

use crate::Failure;
use std::{fs, path::Path};

/// A scenario.
#[derive(Debug, Clone)]
pub struct Play {
    /// For failures: the file, or what it is called.
    pub name: String,
    /// Plugins that it needs beside those of its stage, by name: `[Plugins] disco, roster`.
    pub plugins: Vec<String>,
    cast: Vec<Person>,
    lines: Vec<Line>,
}

/// Somebody who plays.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Person {
    name: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Profile,
    Client,
}

/// A line with its block.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    number: usize,
    text: String,
    step: Step,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Connect(String),
    Disconnect(String),
    Lose(String),
    Befriend(String, String),
    Send(String, String),
    Receive(String, String),
    ReceiveNothing(String),
    Forget(String),
    Call {
        who: String,
        method: String,
        params: String,
    },
    Get(String, String),
    Fail(String, String),
    See(String, String, String),
    SeeNo(String, String),
    Set(String, String, String),
    Inject(String, String),
    Answer(String, String),
    Web(String, String),
    Pass(std::time::Duration),
    TakeOut(String),
    PutBack(String),
    NotCrashed(String),
    Restart,
}

impl Play {
    /// Reads a play.
    ///
    /// # Errors
    /// The line that isn't understood.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        parse::play("the play", text)
    }

    /// Reads a play from a file.
    ///
    /// # Errors
    /// As [`Play::parse`], or when the file can't be read.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|e| Failure::new(format!("{name}: {e}")))?;
        parse::play(&name, &text)
    }

    /// Plays it.
    ///
    /// # Errors
    /// The line that failed, what was expected and what came, and everything that was said.
    pub async fn run(&self, stage: crate::Stage) -> Result<(), Failure> {
        run::run(self, stage).await
    }
}
