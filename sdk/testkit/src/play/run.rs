//! Playing.

use super::{Kind, Play, Step};
use crate::{
    DOMAIN, Failure, Running, Stage,
    matching::{self, Memory},
    stage::PATIENCE,
};
use minidom::Element;
use sat_testserver::{Answer, Filter, Peer};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    time::Duration,
};

/// How long a client waits for a stanza, less than what the server's script would.
const WAIT: Duration = Duration::from_secs(5);
/// Most events that a line looks through.
const EVENTS: usize = 1000;

pub(super) async fn run(play: &Play, stage: Stage) -> Result<(), Failure> {
    let mut actors = Actors::new(play, stage).await?;
    for line in &play.lines {
        if let Err(why) = actors.step(&line.step).await {
            let head = format!("{}:{}: {}\n  {why}", play.name, line.number, line.text);
            return Err(Failure::new(head)
                .with("what was said", &actors.stage.server.log())
                .with("the plugins' logs", &actors.stage.logs()));
        }
    }
    Ok(())
}

/// Everybody, and what they know.
struct Actors {
    stage: Running,
    clients: BTreeMap<String, Client>,
    profiles: BTreeMap<String, Actor>,
    memory: Memory,
    /// Plugins that were taken out.
    aside: BTreeMap<String, PathBuf>,
}

/// A raw client: its stream, and what it hasn't received by a line yet.
#[derive(Default)]
struct Client {
    peer: Option<Peer>,
    inbox: VecDeque<Element>,
}

/// A profile of the backend.
#[derive(Default)]
struct Actor {
    answer: Option<Result<Value, sat_host::Error>>,
    /// Up to where it has seen the events of a topic.
    seen: BTreeMap<String, i64>,
}

fn account(name: &str) -> String {
    name.to_lowercase()
}

impl Actors {
    async fn new(play: &Play, stage: Stage) -> Result<Self, Failure> {
        let mut actors = Self {
            stage: stage.start().await?,
            clients: BTreeMap::new(),
            profiles: BTreeMap::new(),
            memory: Memory::new(),
            aside: BTreeMap::new(),
        };
        for person in &play.cast {
            let account = account(&person.name);
            let bare = format!("{account}@{DOMAIN}");
            actors.memory.insert(format!("{}.bare", person.name), bare);
            match person.kind {
                Kind::Profile => {
                    actors.stage.profile(&account).await?;
                    actors
                        .profiles
                        .insert(person.name.clone(), Actor::default());
                }
                Kind::Client => {
                    actors.stage.account(&account);
                    actors
                        .clients
                        .insert(person.name.clone(), Client::default());
                }
            }
        }
        Ok(actors)
    }

    async fn step(&mut self, step: &Step) -> Result<(), Failure> {
        self.remember_sessions();
        match step {
            Step::Connect(who) => self.connect(who).await,
            Step::Disconnect(who) => self.disconnect(who).await,
            Step::Lose(who) => {
                self.stage.server.cut(&self.session(who)?);
                if let Some(client) = self.clients.get_mut(who) {
                    client.peer = None;
                }
                self.stage.settle().await;
                Ok(())
            }
            Step::Befriend(one, other) => {
                self.stage.server.befriend(&account(one), &account(other));
                self.stage.settle().await;
                Ok(())
            }
            Step::Send(who, xml) => self.send(who, xml).await,
            Step::Receive(who, xml) => self.receive(who, xml).await,
            Step::ReceiveNothing(who) => {
                let client = self.online(who)?;
                client.read_all().await;
                match client.inbox.iter().find(|e| e.name() != "presence") {
                    Some(stanza) => Err(Failure::new(format!("but {}", String::from(stanza)))),
                    None => Ok(()),
                }
            }
            Step::Forget(who) => {
                let client = self.online(who)?;
                client.read_all().await;
                client.inbox.clear();
                Ok(())
            }
            Step::Call {
                who,
                method,
                params,
            } => self.call(who, method, params).await,
            Step::Get(who, expected) => self.get(who, expected),
            Step::Fail(who, word) => self.fail(who, word),
            Step::See(who, topic, data) => self.see(who, topic, data).await,
            Step::SeeNo(who, topic) => self.see_no(who, topic).await,
            Step::Set(who, setting, value) => self.set(who, setting, value).await,
            Step::Inject(whom, xml) => {
                let jid = self.session(whom)?;
                for stanza in self.stanzas(xml)? {
                    self.stage.server.inject(&jid, &String::from(&stanza));
                }
                self.stage.settle().await;
                Ok(())
            }
            Step::Answer(namespace, word) => {
                let filter = Filter::any().ns(namespace);
                match word.as_str() {
                    "nothing" => self.stage.server.answer_as_usual(),
                    "silence" => self.stage.server.answer(filter, Answer::silence()),
                    condition => self.stage.server.answer(filter, Answer::error(condition)),
                }
                Ok(())
            }
            Step::Web(url, page) => {
                match page.trim().parse() {
                    Ok(status) => self.stage.web.fail(url, status),
                    Err(_) => self.stage.web.put(url, page),
                }
                Ok(())
            }
            Step::Pass(time) => {
                self.stage.pass(*time).await;
                Ok(())
            }
            Step::TakeOut(id) => {
                let aside = self.stage.take_out(id).await?;
                self.aside.insert(id.clone(), aside);
                self.stage.settle().await;
                Ok(())
            }
            Step::PutBack(id) => {
                let aside = self.aside.remove(id);
                let aside = aside.ok_or_else(|| Failure::new(format!("{id} wasn't taken out")))?;
                self.stage.put_back(id, &aside).await?;
                self.stage.settle().await;
                Ok(())
            }
            Step::NotCrashed(id) => match self.stage.crashes(id)?.first() {
                Some(crash) => Err(Failure::new(format!("but {crash}"))),
                None => Ok(()),
            },
            Step::Restart => {
                self.stage.restart().await?;
                self.profiles.values_mut().for_each(|a| a.answer = None);
                Ok(())
            }
        }
    }

    /// A profile's stream may have another resource by now.
    fn remember_sessions(&mut self) {
        let sessions = self.stage.server.sessions();
        for name in self.profiles.keys() {
            let prefix = format!("{}@{DOMAIN}/", account(name));
            if let Some(jid) = sessions.iter().find(|s| s.starts_with(&prefix)) {
                self.memory.insert(name.clone(), jid.clone());
            }
        }
    }

    fn session(&self, who: &str) -> Result<String, Failure> {
        let jid = self.memory.get(who).cloned();
        jid.ok_or_else(|| Failure::new(format!("{who} isn't connected")))
    }

    async fn connect(&mut self, who: &str) -> Result<(), Failure> {
        if self.profiles.contains_key(who) {
            return self.stage.connect(&account(who)).await;
        }
        let peer = Peer::online(&self.stage.server, &account(who), "play").await;
        self.memory.insert(who.to_owned(), peer.jid().to_owned());
        let peer = Some(peer);
        let inbox = VecDeque::new();
        self.clients.insert(who.to_owned(), Client { peer, inbox });
        self.stage.settle().await;
        Ok(())
    }

    async fn disconnect(&mut self, who: &str) -> Result<(), Failure> {
        if self.profiles.contains_key(who) {
            self.stage.profile_of(&account(who))?.disconnect().await?;
        } else if let Some(peer) = self.clients.get_mut(who).and_then(|c| c.peer.take()) {
            peer.close().await;
        }
        self.memory.remove(who);
        self.stage.settle().await;
        Ok(())
    }

    fn online(&mut self, who: &str) -> Result<&mut Client, Failure> {
        let client = self.clients.get_mut(who).filter(|c| c.peer.is_some());
        client.ok_or_else(|| Failure::new(format!("{who} isn't connected")))
    }

    /// The stanzas of a block, with what is remembered filled in.
    fn stanzas(&self, xml: &str) -> Result<Vec<Element>, Failure> {
        let text = matching::fill(xml, &self.memory);
        let wrapped: Element = format!("<play xmlns='jabber:client'>{text}</play>")
            .parse()
            .map_err(|e| Failure::new(format!("this isn't XML: {e}: {text}")))?;
        Ok(wrapped.children().cloned().collect())
    }

    async fn send(&mut self, who: &str, xml: &str) -> Result<(), Failure> {
        let text = matching::fill(xml, &self.memory);
        let client = self.online(who)?;
        if let Some(peer) = &mut client.peer {
            peer.send(&text).await;
        }
        self.stage.settle().await;
        Ok(())
    }

    async fn receive(&mut self, who: &str, xml: &str) -> Result<(), Failure> {
        for expected in self.stanzas(xml)? {
            let mut memory = self.memory.clone();
            self.online(who)?.receive(&expected, &mut memory).await?;
            self.memory = memory;
        }
        Ok(())
    }

    fn actor(&mut self, who: &str) -> Result<&mut Actor, Failure> {
        let actor = self.profiles.get_mut(who);
        actor.ok_or_else(|| Failure::new(format!("{who} is no profile")))
    }

    fn json(&self, text: &str) -> Result<Value, Failure> {
        let text = matching::fill(text, &self.memory);
        serde_json::from_str(&text)
            .map_err(|e| Failure::new(format!("this isn't JSON: {e}: {text}")))
    }

    async fn call(&mut self, who: &str, method: &str, params: &str) -> Result<(), Failure> {
        let params = match self.json(params)? {
            Value::Object(params) => params,
            Value::Null => Map::new(),
            _ => return Err(Failure::new("parameters are an object")),
        };
        let account = account(who);
        let call = self.stage.call(&account, method, &params);
        let answer = match tokio::time::timeout(PATIENCE, call).await {
            Ok(answer) => answer?,
            Err(_) => return Err(Failure::new("the call didn't return")),
        };
        self.actor(who)?.answer = Some(answer);
        self.stage.settle().await;
        Ok(())
    }

    fn get(&mut self, who: &str, expected: &str) -> Result<(), Failure> {
        let expected = self.json(expected)?;
        let mut memory = self.memory.clone();
        let actual = match &self.actor(who)?.answer {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(Failure::new(format!("the call failed: {error}"))),
            None => return Err(Failure::new("nothing was called")),
        };
        matching::json(&expected, actual, &mut memory)
            .map_err(|why| Failure::new(format!("{why}; in {actual}")))?;
        self.memory = memory;
        Ok(())
    }

    fn fail(&mut self, who: &str, word: &str) -> Result<(), Failure> {
        match &self.actor(who)?.answer {
            Some(Err(error)) if error.kind == word => Ok(()),
            Some(Err(error)) => Err(Failure::new(format!("it failed otherwise: {error}"))),
            Some(Ok(value)) => Err(Failure::new(format!("it worked: {value}"))),
            None => Err(Failure::new("nothing was called")),
        }
    }

    async fn see(&mut self, who: &str, topic: &str, data: &str) -> Result<(), Failure> {
        let expected = self.json(data)?;
        let after = self.actor(who)?.seen.get(topic).copied().unwrap_or(0);
        let profile = self.stage.profile_of(&account(who))?;
        let mut last = String::new();
        let memory = &self.memory;
        let what = format!("{topic} comes");
        let find = self.stage.until(&what, async || {
            let topics = [topic.to_owned()];
            for event in profile.events().read(after, &topics, EVENTS).await? {
                let value = serde_json::from_str(&event.data).unwrap_or_default();
                let mut memory = memory.clone();
                match matching::json(&expected, &value, &mut memory) {
                    Ok(()) => return Ok(Some((event.cursor, memory))),
                    Err(why) => last = format!("{why}; in {value}"),
                }
            }
            Ok(None)
        });
        let (cursor, memory) = find
            .await
            .map_err(|e| Failure::new(format!("{e}; the nearest: {last}")))?;
        self.memory = memory;
        self.actor(who)?.seen.insert(topic.to_owned(), cursor);
        Ok(())
    }

    async fn see_no(&mut self, who: &str, topic: &str) -> Result<(), Failure> {
        self.stage.settle().await;
        let after = self.actor(who)?.seen.get(topic).copied().unwrap_or(0);
        let profile = self.stage.profile_of(&account(who))?;
        let topics = [topic.to_owned()];
        match profile.events().read(after, &topics, 1).await?.first() {
            Some(event) => Err(Failure::new(format!("but {}", event.data))),
            None => Ok(()),
        }
    }

    async fn set(&mut self, who: &str, setting: &str, value: &str) -> Result<(), Failure> {
        let (owner, name) = setting
            .rsplit_once('.')
            .ok_or_else(|| Failure::new("a setting is OWNER.NAME"))?;
        let value = self.json(value)?;
        let profile = self.stage.profile_of(&account(who))?;
        profile.set_setting(owner, name, value).await?;
        self.stage.settle().await;
        Ok(())
    }
}

impl Client {
    /// Takes the first stanza that fits, old or new.
    async fn receive(&mut self, expected: &Element, memory: &mut Memory) -> Result<(), Failure> {
        let mut nearest = String::new();
        let mut looked = 0;
        loop {
            while let Some(stanza) = self.inbox.get(looked) {
                let mut attempt = memory.clone();
                match matching::xml(expected, stanza, &mut attempt) {
                    Ok(()) => {
                        *memory = attempt;
                        self.inbox.remove(looked);
                        return Ok(());
                    }
                    Err(why) if stanza.name() == expected.name() => {
                        nearest = format!("; the nearest: {why}; in {}", String::from(stanza));
                    }
                    Err(_) => {}
                }
                looked += 1;
            }
            let Some(peer) = &mut self.peer else {
                return Err(Failure::new("it isn't connected"));
            };
            match tokio::time::timeout(WAIT, peer.next()).await {
                Ok(stanza) => self.inbox.push_back(stanza),
                Err(_) => {
                    let text = String::from(expected);
                    return Err(Failure::new(format!("this didn't come: {text}{nearest}")));
                }
            }
        }
    }

    /// Reads everything that the server has sent until now.
    async fn read_all(&mut self) {
        if let Some(peer) = &mut self.peer {
            self.inbox.extend(peer.drain().await);
        }
    }
}
