//! `profile.*`.

use super::{gone, port};
use crate::{
    params::{Args, bad},
    session::{Access, Session, locked},
    tokens::Grant,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sat_host::{NewProfile, Profile, ProfileInfo, Result};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn call(session: &Session, name: &str, args: &Args) -> Result<Value> {
    let backend = &session.door.backend;
    match name {
        "profile.list" => return Ok(list(session)),
        "profile.create" => backend.create_profile(new(args)?).await?,
        "profile.delete" => {
            backend.delete_profile(args.needed("profile")).await?;
            tell_locks(session);
        }
        "profile.set_default" => backend.set_default(args.needed("profile")).await?,
        "profile.unlock" => return unlock(session, args).await,
        "profile.lock" => {
            let profile = backend.profile(args.profile())?;
            // Locking takes away nothing that unlocking needs: the administrator may always.
            if !session.is_admin() && session.access(&profile) == Access::Denied {
                return Err(locked(profile.name()));
            }
            profile.lock().await?;
            tell_locks(session);
        }
        "profile.connect" => session.profile(args.profile()).await?.connect().await?,
        "profile.disconnect" => session.profile(args.profile()).await?.disconnect().await?,
        "profile.add_password" => {
            let profile = backend.profile(args.profile())?;
            let (password, label) = (args.needed("password"), args.text("label"));
            let add = async {
                match (args.text("new_password"), key_file(args)?) {
                    (Some(new), None) => profile.add_password(password, new, label).await,
                    (None, Some(key)) => {
                        profile
                            .add_key_file(password, label.unwrap_or(""), &key)
                            .await
                    }
                    _ => Err(bad("new_password or key_file: give one of them")),
                }
            };
            session.door.guesses.attempt(profile.name(), add).await?;
        }
        "profile.remove_password" => {
            let profile = backend.profile(args.profile())?;
            let remove = async {
                match (args.text("password"), key_file(args)?) {
                    (Some(password), None) => profile.remove_password(password).await,
                    (None, Some(key)) => profile.remove_key_file(&key).await,
                    _ => Err(bad("password or key_file: give one of them")),
                }
            };
            session.door.guesses.attempt(profile.name(), remove).await?;
        }
        "profile.get_settings" => {
            return session.profile(args.profile()).await?.get_settings().await;
        }
        "profile.set_setting" => {
            let profile = session.profile(args.profile()).await?;
            let owner = args.text("owner").unwrap_or("host");
            profile
                .set_setting(owner, args.needed("name"), args.value("value"))
                .await?;
        }
        other => return Err(gone(other)),
    }
    Ok(Value::Null)
}

async fn unlock(session: &Session, args: &Args) -> Result<Value> {
    let profile = session.door.backend.profile(args.profile())?;
    let password = args.text("password").unwrap_or_default();
    session
        .door
        .guesses
        .attempt(profile.name(), profile.unlock(password))
        .await?;
    let grant = Grant {
        profile: profile.name().to_owned(),
        epoch: profile.lock_epoch(),
    };
    session.remember(grant.clone());
    let token = session.door.tokens.issue(grant)?;
    Ok(json!({ "profile": profile.name(), "token": token }))
}

/// The contents of a key file.
fn key_file(args: &Args) -> Result<Option<Vec<u8>>> {
    let Some(text) = args.text("key_file") else {
        return Ok(None);
    };
    let contents = BASE64.decode(text);
    contents
        .map(Some)
        .map_err(|e| bad(format!("key_file: the contents must be base64: {e}")))
}

/// Subscriptions end with the grants that they stand on.
fn tell_locks(session: &Session) {
    session.door.locks.send_modify(|n| *n = n.wrapping_add(1));
}

fn new(args: &Args) -> Result<NewProfile> {
    let owned = |name: &str| args.text(name).map(str::to_owned);
    Ok(NewProfile {
        profile: args.needed("profile").to_owned(),
        password: owned("password").unwrap_or_default(),
        jid: args.needed("jid").to_owned(),
        jid_password: args.needed("jid_password").to_owned(),
        host: owned("host"),
        port: port(args)?,
        security: owned("security"),
        ca_file: owned("ca_file"),
    })
}

/// The administrator sees all profiles, others those that they may use.
fn list(session: &Session) -> Value {
    let backend = &session.door.backend;
    let may_use = |name: &str| {
        let profile: Option<Arc<Profile>> = backend.profile(name).ok();
        profile.is_some_and(|p| session.access(&p) != Access::Denied)
    };
    let show = |info: ProfileInfo| {
        let usable = may_use(&info.name);
        (usable || session.is_admin()).then(|| {
            let error = info
                .error
                .map(|e| json!({ "kind": e.kind, "message": e.message }));
            json!({
                "name": info.name, "jid": info.jid, "is_default": info.is_default,
                "unlocked": info.unlocked, "usable": usable,
                "empty_password": info.empty_password, "state": info.state, "error": error,
            })
        })
    };
    Value::Array(backend.profiles().into_iter().filter_map(show).collect())
}
