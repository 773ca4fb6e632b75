//! The conformance suite: what is asked of every plugin, whatever it does.
//!
//! [`crate::plugin_suite!`] makes a test of each check; `sat plugin test` runs them all.

use crate::{DOMAIN, Failure, Running, Stage};
use sat_host::LoadedPlugin;
use sat_manifest::{Declaration, Sender};
use sat_testserver::Peer;
use serde_json::Map;
use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

/// The plugin that is checked, and those whose features it uses.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its file.
    pub file: PathBuf,
    /// Files of other plugins that shall be there too. It must bear it when there are none.
    pub with: Vec<PathBuf>,
}

/// A check of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The host loads it, and it runs in a connected profile without crashing.
    Loads,
    /// Each permission of its manifest is used.
    AsksForNoMoreThanItUses,
    /// Without one of its permissions, or without the plugins that it uses, calls fail; nothing
    /// crashes. Each in turn.
    BearsDenial,
    /// Its instance may be dropped between any two calls.
    BearsRestarts,
    /// A stanza may come twice.
    BearsRepetition,
    /// Payloads may be large, deep, or not what they should be.
    BearsAnyInput,
    /// A crowd of stanzas passes its limits nowhere.
    StaysInItsBudget,
    /// Every IQ that it declares is answered.
    AnswersEveryIq,
    /// It may be taken out and put back while the stream is there.
    ComesAndGoes,
}

/// All checks.
pub const CHECKS: [Check; 9] = [
    Check::Loads,
    Check::AsksForNoMoreThanItUses,
    Check::BearsDenial,
    Check::BearsRestarts,
    Check::BearsRepetition,
    Check::BearsAnyInput,
    Check::StaysInItsBudget,
    Check::AnswersEveryIq,
    Check::ComesAndGoes,
];

/// Lines of the exchange that a failure shows.
const SAID: usize = 20;
/// Stanzas of the crowd.
const CROWD: usize = 200;
/// Longer than an instance is kept without use, whatever looks for it.
const LONG_ENOUGH_TO_BE_DROPPED: Duration = Duration::from_secs(180);

impl Check {
    /// What it asks, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Loads => "loads and runs",
            Self::AsksForNoMoreThanItUses => "asks for no more than it uses",
            Self::BearsDenial => "bears the denial of each permission",
            Self::BearsRestarts => "bears a restart between any two calls",
            Self::BearsRepetition => "bears stanzas that come twice",
            Self::BearsAnyInput => "bears any input",
            Self::StaysInItsBudget => "stays in its budget",
            Self::AnswersEveryIq => "answers every IQ",
            Self::ComesAndGoes => "comes and goes on an open stream",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// What the plugin did, and what helps to find out why.
    pub async fn run(self, subject: &Subject) -> Result<(), Failure> {
        match self {
            Self::Loads => loads(subject).await,
            Self::AsksForNoMoreThanItUses => asks_for_no_more(subject).await,
            Self::BearsDenial => bears_denial(subject).await,
            Self::BearsRestarts => bears_restarts(subject).await,
            Self::BearsRepetition => bears(subject, |s| vec![s.clone(), s]).await,
            Self::BearsAnyInput => bears(subject, |s| worse(&s)).await,
            Self::StaysInItsBudget => bears(subject, |s| vec![s; CROWD]).await,
            Self::AnswersEveryIq => answers_every_iq(subject).await,
            Self::ComesAndGoes => comes_and_goes(subject).await,
        }
    }
}

/// A connected profile `juliet` with the plugin, and a client `romeo` who is her friend.
struct Scene {
    stage: Running,
    plugin: Arc<LoadedPlugin>,
    romeo: Peer,
}

impl Scene {
    async fn set(subject: &Subject, stage: Stage) -> Result<Self, Failure> {
        let stage = subject
            .with
            .iter()
            .fold(stage.plugin(&subject.file), |stage, file| {
                stage.plugin(file)
            });
        let stage = stage.start().await?;
        let catalog = stage.backend()?.catalog();
        let loaded = catalog
            .plugins
            .iter()
            .find(|p| p.file.file_name() == subject.file.file_name());
        let plugin = loaded
            .ok_or_else(|| Failure::new("the plugin isn't loaded"))?
            .clone();
        stage.account("romeo");
        stage.profile("juliet").await?;
        stage.server.befriend("juliet", "romeo");
        stage.connect("juliet").await?;
        let romeo = Peer::online(&stage.server, "romeo", "suite").await;
        stage.settle().await;
        Ok(Self {
            stage,
            plugin,
            romeo,
        })
    }

    fn juliet(&self) -> Result<String, Failure> {
        let sessions = self.stage.server.sessions();
        let found = sessions.into_iter().find(|s| s.starts_with("juliet@"));
        found.ok_or_else(|| self.report(Failure::new("juliet's stream is gone")))
    }

    /// Calls every method without parameters, those that need some too.
    async fn call_everything(&self) -> Result<(), Failure> {
        for method in self.plugin.method_names() {
            let answer = self.stage.call("juliet", method, &Map::new()).await?;
            if let Err(error) = answer
                && error.kind == sat_host::error::kind::PLUGIN_CRASHED
            {
                return Err(self.report(Failure::new(format!("{method}: {error}"))));
            }
        }
        Ok(())
    }

    /// Lets the profile get stanzas, from whoever may send them.
    async fn receive(&self, stanzas: &[Stanza]) -> Result<(), Failure> {
        let juliet = self.juliet()?;
        for stanza in stanzas {
            let from = match stanza.from {
                Sender::Account => "juliet@verona.lit",
                Sender::Server => DOMAIN,
                Sender::Any | Sender::ClaimedPeer | Sender::Requested => self.romeo.jid(),
            };
            self.stage.server.inject(&juliet, &stanza.xml(from));
        }
        self.stage.settle().await;
        Ok(())
    }

    fn whole(&self) -> Result<(), Failure> {
        match self.stage.crashes(self.plugin.id())?.first() {
            Some(crash) => Err(self.report(Failure::new(format!("it crashed: {crash}")))),
            None => Ok(()),
        }
    }

    fn report(&self, failure: Failure) -> Failure {
        let said = self.stage.server.log();
        // What was said last is what it is about.
        let lines: Vec<_> = said.lines().rev().take(SAID).collect();
        let last: Vec<String> = lines
            .iter()
            .rev()
            .map(|l| l.chars().take(300).collect())
            .collect();
        failure
            .with("what was said last", &last.join("\n"))
            .with("the plugins' logs", &self.stage.logs())
    }
}

/// A stanza that the plugin has declared.
#[derive(Clone)]
struct Stanza {
    kind: &'static str,
    types: String,
    from: Sender,
    payload: String,
    id: usize,
}

impl Stanza {
    fn xml(&self, from: &str) -> String {
        let Self {
            kind,
            types,
            payload,
            id,
            ..
        } = self;
        format!(
            "<{kind} xmlns='jabber:client' from='{from}' type='{types}' id='suite-{id}'>{payload}</{kind}>"
        )
    }
}

/// One stanza for each declaration of incoming stanzas and each of its senders.
fn declared(plugin: &LoadedPlugin) -> Vec<Stanza> {
    let mut stanzas = Vec::new();
    let incoming = ["iq", "message", "presence", "unwrap", "decrypt", "amend"];
    for (section, declarations) in plugin.manifest.declarations() {
        if !incoming.contains(&section) {
            continue;
        }
        let (kind, usual) = match section {
            "iq" => ("iq", "get"),
            "presence" => ("presence", "unavailable"),
            _ => ("message", "chat"),
        };
        for declaration in declarations {
            let types = declaration.types.first().map_or(usual, String::as_str);
            // A presence without type is available; a message without one is normal.
            let types = if types == "available" { "" } else { types };
            for from in &declaration.from {
                stanzas.push(Stanza {
                    kind,
                    types: types.to_owned(),
                    from: *from,
                    payload: payload(declaration, ""),
                    id: stanzas.len(),
                });
            }
        }
    }
    stanzas
}

fn payload(declaration: &Declaration, content: &str) -> String {
    match (&declaration.element, &declaration.namespace) {
        (Some(element), Some(namespace)) => {
            format!("<{element} xmlns='{namespace}'>{content}</{element}>")
        }
        _ => String::new(),
    }
}

/// The same stanza with contents that nobody should send.
fn worse(stanza: &Stanza) -> Vec<Stanza> {
    let Some(open) = stanza.payload.find('>') else {
        return vec![stanza.clone()];
    };
    let nest = |n: usize| format!("{}{}", "<a xmlns='x'>".repeat(n), "</a>".repeat(n));
    let contents = [
        "x".repeat(200 * 1024),
        nest(60),
        "<b xmlns='y' c='d'/>".repeat(5000),
        "&#x202e;&#xfffd;\u{1F600}\u{0301}".repeat(100),
        "<item xmlns='' id=''/><!-- --><![CDATA[]]>".replace("<!-- -->", ""),
    ];
    let mut all: Vec<_> = contents
        .iter()
        .filter_map(|content| {
            let mut payload = stanza.payload.clone();
            payload.insert_str(open.checked_add(1)?, content);
            Some(Stanza {
                payload,
                ..stanza.clone()
            })
        })
        .collect();
    let attributes = [
        " id=''",
        " jid='@/' node='\u{7f}' ver='=='",
        " xml:lang='%'",
    ];
    all.extend(attributes.iter().map(|attribute| {
        let mut payload = stanza.payload.clone();
        payload.insert_str(open, attribute);
        Stanza {
            payload,
            ..stanza.clone()
        }
    }));
    all
}

async fn loads(subject: &Subject) -> Result<(), Failure> {
    let scene = Scene::set(subject, Stage::new()).await?;
    scene.call_everything().await?;
    scene.receive(&declared(&scene.plugin)).await?;
    scene.whole()
}

async fn asks_for_no_more(subject: &Subject) -> Result<(), Failure> {
    let scene = Scene::set(subject, Stage::new()).await?;
    let used = scene.plugin.used();
    let manifest = &scene.plugin.manifest;
    match manifest.unused(&used).next() {
        Some(unused) => Err(Failure::new(format!(
            "it asks for the permission {unused} and doesn't use it: take it out of [permissions]"
        ))),
        None => Ok(()),
    }
}

async fn bears_denial(subject: &Subject) -> Result<(), Failure> {
    let plain = Scene::set(subject, Stage::new()).await?;
    let id = plain.plugin.id().to_owned();
    let asked = plain.plugin.manifest.permissions.keys().cloned();
    let permissions: BTreeSet<_> = asked.chain(plain.plugin.used()).collect();
    for permission in permissions {
        let stage = Stage::new().deny(&id, &permission);
        let scene = Scene::set(subject, stage).await?;
        let played = async {
            scene.call_everything().await?;
            scene.receive(&declared(&scene.plugin)).await?;
            scene.whole()
        };
        played
            .await
            .map_err(|e| Failure::new(format!("without the permission {permission}: {e}")))?;
    }
    let alone = Subject {
        with: Vec::new(),
        ..subject.clone()
    };
    loads(&alone)
        .await
        .map_err(|e| Failure::new(format!("without other plugins: {e}")))
}

async fn bears_restarts(subject: &Subject) -> Result<(), Failure> {
    let scene = Scene::set(subject, Stage::new()).await?;
    for stanza in declared(&scene.plugin) {
        scene.receive(&[stanza]).await?;
        scene.stage.pass(LONG_ENOUGH_TO_BE_DROPPED).await;
        scene.call_everything().await?;
        scene.stage.pass(LONG_ENOUGH_TO_BE_DROPPED).await;
    }
    scene.call_everything().await?;
    scene.whole()
}

/// Each declared stanza, made into others.
async fn bears(subject: &Subject, change: impl Fn(Stanza) -> Vec<Stanza>) -> Result<(), Failure> {
    let scene = Scene::set(subject, Stage::new()).await?;
    for stanza in declared(&scene.plugin) {
        scene.receive(&change(stanza)).await?;
        scene.whole()?;
    }
    scene.call_everything().await
}

async fn answers_every_iq(subject: &Subject) -> Result<(), Failure> {
    let mut scene = Scene::set(subject, Stage::new()).await?;
    let juliet = scene.juliet()?;
    let iqs = declared(&scene.plugin);
    for stanza in iqs
        .iter()
        .filter(|s| s.kind == "iq" && s.from == Sender::Any)
    {
        // Fails the test, with all that was said, when nothing comes.
        scene
            .romeo
            .ask(&stanza.types, Some(&juliet), &stanza.payload)
            .await;
    }
    scene.whole()
}

async fn comes_and_goes(subject: &Subject) -> Result<(), Failure> {
    let scene = Scene::set(subject, Stage::new()).await?;
    let id = scene.plugin.id().to_owned();
    let before = scene.juliet()?;
    let aside = scene.stage.take_out(&id).await?;
    scene.receive(&declared(&scene.plugin)).await?;
    scene.stage.put_back(&id, &aside).await?;
    scene.stage.settle().await;
    scene.call_everything().await?;
    scene.receive(&declared(&scene.plugin)).await?;
    if scene.juliet()? != before {
        return Err(Failure::new("the stream was dropped"));
    }
    scene.whole()
}

/// Makes a test of each check of the conformance suite for a plugin file: one line in an
/// author's `tests/suite.rs`. Files behind the first are plugins whose features it uses.
///
/// ```ignore
/// sat_testkit::plugin_suite!("target/wasm32-wasip2/release/hello.wasm");
/// ```
#[macro_export]
macro_rules! plugin_suite {
    ($file:expr $(, $with:expr)* $(,)?) => {
        $crate::plugin_suite!(@checks [$file $(, $with)*]
            loads Loads,
            asks_for_no_more_than_it_uses AsksForNoMoreThanItUses,
            bears_denial BearsDenial,
            bears_restarts BearsRestarts,
            bears_repetition BearsRepetition,
            bears_any_input BearsAnyInput,
            stays_in_its_budget StaysInItsBudget,
            answers_every_iq AnswersEveryIq,
            comes_and_goes ComesAndGoes,
        );
    };
    (@checks $files:tt $($name:ident $check:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $crate::suite::test($crate::suite::Check::$check, &$files);
            }
        )*
    };
}

/// Runs a check as a test: panics when it fails.
///
/// # Panics
/// With the failure.
#[expect(clippy::panic, reason = "this is what a failed test does")]
pub fn test(check: Check, files: &[&str]) {
    let mut files = files.iter().map(PathBuf::from);
    let subject = Subject {
        file: files.next().unwrap_or_default(),
        with: files.collect(),
    };
    if let Err(failure) = crate::block_on(check.run(&subject)) {
        panic!("{}: {failure}", check.title());
    }
}
