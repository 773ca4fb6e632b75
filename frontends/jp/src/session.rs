//! What a command needs: the options, the connection and the profile.

use sat_client::{Events, Since};
use serde_json::{Map, Value, json};

use crate::{
    cli::Globals,
    failure::Failure,
    launch,
    link::Link,
    output::{Output, note},
    secret::{Source, can_ask},
    tokens::Tokens,
};

/// The key of the profile that is meant when none is named.
pub(crate) const DEFAULT: &str = "@DEFAULT@";
/// The key of all profiles that may be used.
const ALL: &str = "@ALL@";
/// The backend's word for a profile whose key isn't in memory, or not for us.
const LOCKED: &str = "profile-locked";

/// One run of `jp`.
pub(crate) struct Session {
    globals: Globals,
    /// Where results go.
    pub(crate) out: Output,
    link: Option<Link>,
    tokens: Option<Tokens>,
}

impl Session {
    pub(crate) fn new(globals: Globals) -> Self {
        let out = Output::new(globals.json);
        let known = globals.socket.as_ref().or(globals.config.as_ref());
        let backend = known
            .map(|path| path.display().to_string())
            .unwrap_or_else(|| std::env::var("SAT_SOCKET").unwrap_or_default());
        Self {
            globals,
            out,
            link: None,
            tokens: Tokens::of_user(&backend),
        }
    }

    /// The profile that is meant, by name or key.
    pub(crate) fn profile(&self) -> &str {
        self.globals.profile.as_deref().unwrap_or(DEFAULT)
    }

    /// What people call the profile that is meant.
    pub(crate) fn profile_name(&self) -> String {
        match self.profile() {
            DEFAULT => "the default profile".to_owned(),
            name => format!("profile {name}"),
        }
    }

    /// The profile that the user has named.
    pub(crate) fn named_profile(&self) -> Option<&str> {
        self.globals.profile.as_deref()
    }

    /// Takes a profile named behind the command instead of `--profile`.
    pub(crate) fn set_profile(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            self.globals.profile = Some(name.to_owned());
        }
    }

    /// The connection, made when it is needed first.
    pub(crate) async fn link(&mut self) -> Result<&Link, Failure> {
        let link = match self.link.take() {
            Some(link) => link,
            None => {
                let token = self
                    .tokens
                    .as_ref()
                    .and_then(|tokens| tokens.read(self.profile()));
                launch::connect(&self.globals, token.as_deref()).await?
            }
        };
        Ok(self.link.insert(link))
    }

    /// Calls a method that is for no profile, or whose parameters name it.
    pub(crate) async fn call(&mut self, method: &str, parameters: Value) -> Result<Value, Failure> {
        self.link().await?.call(method, &parameters).await
    }

    /// Calls a method for the profile. When it is locked, a person is asked for its password.
    pub(crate) async fn call_profile(
        &mut self,
        method: &str,
        parameters: Value,
    ) -> Result<Value, Failure> {
        let parameters = self.with_profile(parameters);
        match self.call(method, parameters.clone()).await {
            Err(failure) if self.may_unlock(&failure) => {
                self.unlock(Source::Prompt).await?;
                self.call(method, parameters).await
            }
            done => done.map_err(|failure| self.explained(failure)),
        }
    }

    /// Subscribes to events behind a cursor, or from now on; a person is asked to unlock the
    /// profile if that is needed.
    pub(crate) async fn subscribe(
        &mut self,
        topics: &[String],
        cursor: Option<String>,
    ) -> Result<Events, Failure> {
        let since = match self.profile() {
            ALL => None,
            profile => Some(Since::from([(profile.to_owned(), cursor)])),
        };
        match self.link().await?.subscribe(topics, since.as_ref()).await {
            Err(failure) if self.may_unlock(&failure) => {
                self.unlock(Source::Prompt).await?;
                self.link().await?.subscribe(topics, since.as_ref()).await
            }
            done => done.map_err(|failure| self.explained(failure)),
        }
    }

    /// Unlocks the profile for this connection, and for later commands.
    pub(crate) async fn unlock(&mut self, source: Source) -> Result<Value, Failure> {
        let profile = self.profile().to_owned();
        let password = source
            .read(&format!("Password of {}", self.profile_name()))?
            .into_string();
        let parameters = json!({"profile": profile, "password": password});
        let result = self.call("profile.unlock", parameters).await?;
        if let (Some(tokens), Some(token)) =
            (&self.tokens, result.get("token").and_then(Value::as_str))
        {
            let real = result
                .get("profile")
                .and_then(Value::as_str)
                .filter(|name| *name != profile);
            for name in real.into_iter().chain([profile.as_str()]) {
                if let Err(error) = tokens.write(name, token) {
                    note(&format!("The next command will ask again: {error}"));
                }
            }
        }
        Ok(result)
    }

    /// Forgets the profile's token.
    pub(crate) fn forget(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.remove(self.profile());
        }
    }

    fn with_profile(&self, parameters: Value) -> Value {
        let mut map = match parameters {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        map.entry("profile")
            .or_insert_with(|| Value::from(self.profile()));
        Value::Object(map)
    }

    fn may_unlock(&self, failure: &Failure) -> bool {
        failure.is(LOCKED) && can_ask()
    }

    fn explained(&self, failure: Failure) -> Failure {
        if failure.is(LOCKED) {
            let name = self
                .named_profile()
                .map(|name| format!(" {name}"))
                .unwrap_or_default();
            note(&format!("`jp profile unlock{name}` opens it"));
        }
        failure
    }
}
