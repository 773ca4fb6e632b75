//! The core methods: which there are, and what they do.

mod profile;
mod table;

pub(crate) use table::{Core, METHODS, Scope, find};

use crate::{
    events, fault, limits,
    params::{Args, bad},
    session::Session,
};
use sat_host::{Error, Result, error::kind};
use serde_json::{Map, Value, json, value::RawValue};

/// Version of the core methods: grows when one changes.
const API: &str = "0.1";

/// Calls a core method. `events.subscribe` is not among them: it needs the connection.
pub(crate) async fn call(
    session: &Session,
    core: &Core,
    params: Map<String, Value>,
) -> Result<Box<RawValue>> {
    let args = Args::check(params, core.params)?;
    if core.scope == Scope::Admin {
        session.need_admin()?;
    }
    let door = &session.door;
    let backend = &door.backend;
    let value = match core.name {
        "session.hello" => hello(session, &args)?,
        "host.status" => status(session),
        "host.stop" => {
            backend.stop();
            Value::Null
        }
        "plugin.list" => json(&backend.plugins())?,
        "plugin.enable" => {
            backend
                .enable_plugin(args.needed("id"), args.text("profile"))
                .await?;
            Value::Null
        }
        "plugin.disable" => {
            backend
                .disable_plugin(args.needed("id"), args.text("profile"))
                .await?;
            Value::Null
        }
        "plugin.logs" => {
            let limit = args.number("limit").unwrap_or(100).min(1000);
            let limit = usize::try_from(limit).unwrap_or(1000);
            json(&backend.plugin_logs(args.needed("id"), args.text("profile"), limit)?)?
        }
        "events.poll" => return events::poll(session, &args).await,
        "events.unsubscribe" => {
            let found =
                crate::tokens::lock(&session.subscriptions).remove(args.needed("subscription"));
            found.as_ref().inspect(|s| s.cancel());
            Value::Bool(found.is_some())
        }
        "rpc.discover" => return door.documents.current(&backend.catalog()),
        name if name.starts_with("profile.") => profile::call(session, name, &args).await?,
        name => return Err(Error::internal("Call a core method", name)),
    };
    json_text(&value)
}

/// The error of a method that doesn't exist, with what may help.
pub(crate) fn unknown(session: &Session, method: &str) -> Error {
    let catalog = session.door.backend.catalog();
    let feature = method
        .rsplit_once('.')
        .map_or(method, |(feature, _)| feature);
    let prefix = format!("{feature}.");
    let core = METHODS.iter().map(|m| m.name);
    let near: Vec<_> = core
        .chain(catalog.methods.keys().map(String::as_str))
        .filter(|m| m.starts_with(&prefix))
        .collect();
    let text = if near.is_empty() {
        format!(
            "There is no method {method:.100}: no loaded plugin offers `{feature:.100}`; plugin.list shows those that are loaded"
        )
    } else {
        format!(
            "There is no method {method:.100}; there are {}",
            near.join(", ")
        )
    };
    Error::new(fault::METHOD_NOT_FOUND, text)
}

fn hello(session: &Session, args: &Args) -> Result<Value> {
    if let Some(client) = args.text("client") {
        tracing::debug!("Client says hello: {client:.100}");
    }
    if let Some(token) = args.text("token") {
        session.present(token)?;
    }
    Ok(json!({
        "version": session.door.backend.status().version,
        "api": API,
        "generation": session.door.backend.catalog().generation,
        "admin": session.is_admin(),
        "profiles": session.usable(),
        "limits": {
            "request": limits::REQUEST,
            "answer": limits::ANSWER,
            "notification": limits::NOTIFICATION,
            "batch": limits::BATCH,
            "in_flight": limits::IN_FLIGHT,
            "subscriptions": limits::SUBSCRIPTIONS,
        },
    }))
}

fn status(session: &Session) -> Value {
    let status = session.door.backend.status();
    json!({
        "pid": status.pid,
        "version": status.version,
        "started_at": status.started_at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "profiles": status.profiles,
        "connected": status.connected,
        "plugins": status.plugins,
    })
}

/// A value of the host as JSON.
fn json(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Error::internal("Write JSON", e))
}

/// JSON as the text of an answer.
fn json_text(value: &Value) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(value).map_err(|e| Error::internal("Write JSON", e))
}

/// A whole number that fits a port.
fn port(args: &Args) -> Result<Option<u16>> {
    let Some(port) = args.number("port") else {
        return Ok(None);
    };
    match u16::try_from(port) {
        Ok(port) if port > 0 => Ok(Some(port)),
        _ => Err(bad("port: expected a whole number from 1 to 65535")),
    }
}

/// The profile is gone or not: for those who only have its name.
fn gone(name: &str) -> Error {
    Error::new(kind::NOT_FOUND, format!("There is no profile {name:?}"))
}
