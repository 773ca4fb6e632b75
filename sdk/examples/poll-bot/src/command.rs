//! Understanding what people write.

/// What somebody wants.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Poll { text: String, choices: Vec<String> },
    Vote(u32),
    Close,
}

impl Command {
    /// Reads a message; none when it is no command.
    pub(crate) fn parse(body: &str) -> Option<Self> {
        let body = body.trim();
        let (word, rest) = body.split_once(' ').unwrap_or((body, ""));
        match word {
            "!poll" => {
                let (text, choices) = rest.split_once('?')?;
                let choices = choices.split('/').map(str::trim).filter(|c| !c.is_empty());
                Some(Self::Poll {
                    text: format!("{}?", text.trim()),
                    choices: choices.map(str::to_owned).collect(),
                })
            }
            "!vote" => rest.trim().parse().ok().map(Self::Vote),
            "!close" => Some(Self::Close),
            _ => None,
        }
    }
}
