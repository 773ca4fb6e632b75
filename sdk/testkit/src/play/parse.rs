//! From text to steps.

use super::{Kind, Line, Person, Play, Step};
use crate::Failure;
use std::time::Duration;

/// Reads a play.
pub(super) fn play(name: &str, text: &str) -> Result<Play, Failure> {
    let mut play = Play {
        name: name.to_owned(),
        plugins: Vec::new(),
        cast: Vec::new(),
        lines: Vec::new(),
    };
    // A play that stands in an indented string begins at its own margin.
    let margin = text
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(|l| l.len() - l.trim_start().len())
        .min()
        .unwrap_or(0);
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, raw)) = lines.next() {
        let head = raw.trim();
        if head.is_empty() || head.starts_with('#') {
            continue;
        }
        let fault = |why: &str| Failure::new(format!("{name}:{}: {head:?}: {why}", number + 1));
        let mut block = String::new();
        let is_indented = |l: &str| !l.trim().is_empty() && l.len() - l.trim_start().len() > margin;
        while let Some((_, next)) = lines.next_if(|(_, l)| is_indented(l)) {
            block.push_str(next.trim());
            block.push('\n');
        }
        if let Some(heading) = head.strip_prefix('[') {
            let (kind, rest) = heading.split_once(']').ok_or(fault("`]` is missing"))?;
            heading_of(&mut play, kind, rest.trim()).map_err(|why| fault(&why))?;
            continue;
        }
        let step = step(&play, head, &block).map_err(|why| fault(&why))?;
        play.lines.push(Line {
            number: number + 1,
            text: head.to_owned(),
            step,
        });
    }
    Ok(play)
}

fn heading_of(play: &mut Play, kind: &str, rest: &str) -> Result<(), String> {
    let kind = match kind {
        "Profile" => Kind::Profile,
        "Client" => Kind::Client,
        "Plugins" => {
            let names = rest.split([',', ' ']).filter(|n| !n.is_empty());
            play.plugins.extend(names.map(str::to_owned));
            return Ok(());
        }
        _ => return Err("expected [Profile], [Client] or [Plugins]".into()),
    };
    if rest.is_empty() || !rest.chars().all(char::is_alphanumeric) {
        return Err("expected one word as a name".into());
    }
    play.cast.push(Person {
        name: rest.to_owned(),
        kind,
    });
    Ok(())
}

fn step(play: &Play, head: &str, block: &str) -> Result<Step, String> {
    if let Some(rest) = head.strip_prefix("the server says to ") {
        let (whom, xml) = rest.split_once(':').ok_or("`:` is missing")?;
        let whom = person(play, whom, None)?;
        return Ok(Step::Inject(whom, with_block(xml, block)?));
    }
    if let Some(rest) = head.strip_prefix("the server answers ") {
        let (namespace, word) = rest.rsplit_once(" with ").ok_or("`with` is missing")?;
        return Ok(Step::Answer(namespace.trim().into(), word.trim().into()));
    }
    if let Some(rest) = head.strip_prefix("the web answers ") {
        let (url, page) = rest.split_once(" with").ok_or("`with` is missing")?;
        let page = with_block(page.trim_start_matches(':'), block)?;
        return Ok(Step::Web(url.trim().into(), page));
    }
    if let Some(rest) = head.strip_prefix("the plugin ") {
        let (id, what) = rest.split_once(' ').ok_or("what of it?")?;
        return match what {
            "is taken out" => Ok(Step::TakeOut(id.into())),
            "is put back" => Ok(Step::PutBack(id.into())),
            "has not crashed" => Ok(Step::NotCrashed(id.into())),
            _ => Err("expected `is taken out`, `is put back` or `has not crashed`".into()),
        };
    }
    if head == "the backend restarts" {
        return Ok(Step::Restart);
    }
    if let Some(time) = head.strip_suffix(" pass").or(head.strip_suffix(" passes")) {
        return duration(time).map(Step::Pass);
    }
    if let Some(name) = head.strip_suffix("'s connection is lost") {
        return person(play, name, None).map(Step::Lose);
    }
    if let Some((one, other)) = head
        .strip_suffix(" are friends")
        .and_then(|h| h.split_once(" and "))
    {
        return Ok(Step::Befriend(
            person(play, one, None)?,
            person(play, other, None)?,
        ));
    }
    let (name, rest) = head.split_once(' ').ok_or("not understood")?;
    let (verb, rest) = rest.split_once([' ', ':']).unwrap_or((rest, ""));
    let rest = rest.trim();
    let client = || person(play, name, Some(Kind::Client));
    let profile = || person(play, name, Some(Kind::Profile));
    Ok(match verb {
        "connects" => Step::Connect(person(play, name, None)?),
        "disconnects" => Step::Disconnect(person(play, name, None)?),
        "sends" => Step::Send(client()?, with_block(rest, block)?),
        "receives" if rest == "nothing" || rest == "nothing else" => {
            Step::ReceiveNothing(client()?)
        }
        "receives" => Step::Receive(client()?, with_block(rest, block)?),
        "forgets" => Step::Forget(client()?),
        "calls" => {
            let (method, params) = first_word(rest);
            Step::Call {
                who: profile()?,
                method: method.into(),
                params: with_block(params, block).unwrap_or_else(|_| "{}".into()),
            }
        }
        "gets" => Step::Get(profile()?, with_block(rest, block)?),
        "fails" => Step::Fail(profile()?, rest.into()),
        "sees" => match rest.strip_prefix("no ") {
            Some(topic) => Step::SeeNo(profile()?, topic.trim().into()),
            None => {
                let (topic, data) = first_word(rest);
                let data = with_block(data, block).unwrap_or_else(|_| "{}".into());
                Step::See(profile()?, topic.into(), data)
            }
        },
        "sets" => {
            let (setting, value) = first_word(rest);
            Step::Set(profile()?, setting.into(), with_block(value, block)?)
        }
        _ => return Err(format!("nobody knows how {name} {verb}")),
    })
}

fn first_word(text: &str) -> (&str, &str) {
    let end = text.find([' ', ':']).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (word, rest.trim_start_matches([' ', ':']))
}

/// What stands on the line or below it.
fn with_block(rest: &str, block: &str) -> Result<String, String> {
    let text = format!("{}\n{block}", rest.trim());
    match text.trim() {
        "" => Err("XML or JSON is missing, on the line or indented below it".into()),
        text => Ok(text.to_owned()),
    }
}

fn person(play: &Play, name: &str, kind: Option<Kind>) -> Result<String, String> {
    let name = name.trim();
    let Some(found) = play.cast.iter().find(|p| p.name == name) else {
        return Err(format!(
            "there is no {name}: begin with `[Profile] {name}` or `[Client] {name}`"
        ));
    };
    match kind {
        Some(Kind::Profile) if found.kind != Kind::Profile => {
            Err(format!("{name} is a [Client]; only profiles do this"))
        }
        Some(Kind::Client) if found.kind != Kind::Client => {
            Err(format!("{name} is a [Profile]; only clients do this"))
        }
        _ => Ok(name.to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_once(' ').ok_or("expected `N minutes pass`")?;
    let number: u64 = match number {
        "a" | "an" | "one" => 1,
        number => number.parse().map_err(|_| "expected a number")?,
    };
    let seconds = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        _ => return Err("expected seconds, minutes, hours, days or weeks".into()),
    };
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAST: &str = "[Profile] Juliet\n[Client] Romeo\n[Plugins] disco, roster\n";

    #[test]
    fn lines_are_understood() {
        let play = play(
            "x",
            &format!(
                "{CAST}\n# A comment\nRomeo sends:\n  <a/>\n  <b/>\nJuliet calls a.b {{\"c\": 1}}\n\
                 Juliet calls a.c\nJuliet sees no chat.message\n3 hours pass\na week passes\n\
                 Juliet's connection is lost\nRomeo and Juliet are friends\nRomeo receives nothing else\n\
                 the server answers urn:xmpp:ping with item-not-found\nthe server says to Juliet: <x/>\n\
                 the plugin ping is taken out\nthe web answers http://a.b/c with 404\n\
                 the web answers a.b/d with:\n  <p>\n  Hi\n"
            ),
        )
        .unwrap();
        assert_eq!(play.plugins, ["disco", "roster"]);
        let steps: Vec<_> = play.lines.into_iter().map(|l| l.step).collect();
        let (r, j) = (|| "Romeo".to_owned(), || "Juliet".to_owned());
        assert_eq!(
            steps,
            [
                Step::Send(r(), "<a/>\n<b/>".into()),
                Step::Call {
                    who: j(),
                    method: "a.b".into(),
                    params: "{\"c\": 1}".into()
                },
                Step::Call {
                    who: j(),
                    method: "a.c".into(),
                    params: "{}".into()
                },
                Step::SeeNo(j(), "chat.message".into()),
                Step::Pass(Duration::from_secs(10_800)),
                Step::Pass(Duration::from_secs(604_800)),
                Step::Lose(j()),
                Step::Befriend(r(), j()),
                Step::ReceiveNothing(r()),
                Step::Answer("urn:xmpp:ping".into(), "item-not-found".into()),
                Step::Inject(j(), "<x/>".into()),
                Step::TakeOut("ping".into()),
                Step::Web("http://a.b/c".into(), "404".into()),
                Step::Web("a.b/d".into(), "<p>\nHi".into()),
            ]
        );
    }

    #[test]
    fn faults_name_the_line() {
        for (line, word) in [
            ("Tybalt connects", "there is no Tybalt"),
            ("Juliet sends <a/>", "only clients do this"),
            ("Romeo calls a.b", "only profiles do this"),
            ("Romeo sends:", "XML or JSON is missing"),
            ("Romeo sighs deeply", "nobody knows how"),
            ("many hours pass", "a number"),
            ("the plugin ping is tired", "expected `is taken out`"),
            ("[Actor] X", "expected [Profile]"),
        ] {
            let error = play("x", &format!("{CAST}{line}\n"))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("x:4:") && error.contains(word), "{error}");
        }
    }
}
