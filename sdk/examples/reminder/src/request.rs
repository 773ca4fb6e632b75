//! Understanding what people write.

/// Longest text that is kept, in characters.
const TEXT: usize = 1000;
/// Longest time that anybody waits, in milliseconds: a year.
const LONGEST: i64 = 366 * 86_400_000;

/// What somebody asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) delay_ms: i64,
    /// The delay as it was written.
    pub(crate) when: String,
    pub(crate) text: String,
}

impl Request {
    /// Reads “remind me in 10 minutes: tea”; none when it is something else.
    pub(crate) fn parse(body: &str) -> Option<Self> {
        let (head, text) = body.trim().split_once(':')?;
        let head = head.trim().to_lowercase();
        let when = head.strip_prefix("remind me in ")?.trim();
        let (number, unit) = when.split_once(' ')?;
        let number: i64 = match number {
            "a" | "an" | "one" => 1,
            digits => digits.parse().ok()?,
        };
        let unit = match unit.trim().trim_end_matches('s') {
            "second" => 1000,
            "minute" => 60_000,
            "hour" => 3_600_000,
            "day" => 86_400_000,
            "week" => 7 * 86_400_000,
            _ => return None,
        };
        let delay_ms = number.checked_mul(unit)?;
        let text: String = text.trim().chars().take(TEXT).collect();
        let fine = (1..=LONGEST).contains(&delay_ms) && !text.is_empty();
        fine.then(|| Self {
            delay_ms,
            when: when.to_owned(),
            text,
        })
    }
}
