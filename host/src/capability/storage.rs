//! `sat:host/storage`: key–value store and SQL tables of a plugin in a profile.

use super::{Caller, with_call};
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        bindings::sat::host::{
            storage::{self, Committed, Rows, Statement, Transaction, Value},
            types::Error as GuestError,
        },
        instance::{Ctx, Host},
    },
    route::outgoing,
    store,
};
use wasmtime::component::Accessor;

impl storage::Host for Ctx {}

impl storage::HostWithStore<Ctx> for Host {
    async fn commit(
        accessor: &Accessor<Ctx, Self>,
        request: Transaction,
    ) -> Result<Committed, GuestError> {
        let caller = Caller::permitted(accessor, "storage")?;
        if !request.send.is_empty() {
            // Whoever takes a message, sending it is a use of `xmpp`. No import shows it, so that
            // it isn't found when the plugin is loaded.
            Caller::permitted(accessor, "xmpp")?;
            let manifest = &caller.plugin.manifest;
            manifest
                .check_uses(["xmpp"])
                .map_err(|e| Error::new(kind::FORBIDDEN, e.to_string()))?;
        }
        // Taken now: what the call emits while this is under way belongs to its next commit.
        let events =
            with_call(accessor, |call| std::mem::take(&mut call.events)).unwrap_or_default();
        Ok(commit(&caller, request, events).await?)
    }

    async fn query(accessor: &Accessor<Ctx, Self>, request: Statement) -> Result<Rows, GuestError> {
        let caller = Caller::permitted(accessor, "storage")?;
        let rows = caller
            .profile
            .db
            .query(caller.id(), request.into(), store::Limits::QUERY)
            .await?;
        Ok(Rows {
            columns: rows.columns,
            rows: values(rows.rows),
            changed: 0,
            last_row_id: 0,
        })
    }

    async fn get(
        accessor: &Accessor<Ctx, Self>,
        key: String,
    ) -> Result<Option<Vec<u8>>, GuestError> {
        let caller = Caller::permitted(accessor, "storage")?;
        Ok(caller.profile.db.kv_get(caller.id(), &key).await?)
    }

    async fn set(
        accessor: &Accessor<Ctx, Self>,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), GuestError> {
        let caller = Caller::permitted(accessor, "storage")?;
        Ok(caller.profile.db.kv_set(caller.id(), &key, value).await?)
    }

    async fn delete(accessor: &Accessor<Ctx, Self>, key: String) -> Result<bool, GuestError> {
        let caller = Caller::permitted(accessor, "storage")?;
        Ok(caller.profile.db.kv_delete(caller.id(), &key).await?)
    }

    async fn keys(
        accessor: &Accessor<Ctx, Self>,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<String>, GuestError> {
        let caller = Caller::permitted(accessor, "storage")?;
        Ok(caller
            .profile
            .db
            .kv_keys(caller.id(), &prefix, after.as_deref(), limit)
            .await?)
    }
}

async fn commit(
    caller: &Caller,
    request: Transaction,
    events: Vec<store::NewEvent>,
) -> Result<Committed> {
    let profile = &caller.profile;
    let mut outbox = Vec::with_capacity(request.send.len());
    for message in request.send {
        let (stanza, ttl) = (&message.stanza, message.ttl_ms);
        outbox.push(outgoing::compose(profile, caller.id(), stanza, ttl, caller.depth).await?);
    }
    let sent: Vec<String> = outbox.iter().map(|row| row.stanza_id.clone()).collect();
    let statements = request
        .statements
        .into_iter()
        .map(store::Statement::from)
        .collect();
    let commit = store::Commit {
        statements,
        events: events.clone(),
        outbox,
    };
    let done = profile.db.commit(caller.id(), commit).await?;
    profile.events.committed(events, &done.cursors);
    if !sent.is_empty() {
        profile.outbox.wake();
    }
    let results = done.statements.into_iter().map(|r| Rows {
        columns: r.columns,
        rows: values(r.rows),
        changed: r.changed,
        last_row_id: r.last_row_id,
    });
    Ok(Committed {
        results: results.collect(),
        sent,
    })
}

impl From<Statement> for store::Statement {
    fn from(statement: Statement) -> Self {
        let params = statement.params.into_iter().map(|value| match value {
            Value::Null => store::Value::Null,
            Value::Integer(n) => store::Value::Integer(n),
            Value::Real(n) => store::Value::Real(n),
            Value::Text(t) => store::Value::Text(t),
            Value::Blob(b) => store::Value::Blob(b),
        });
        Self {
            params: params.collect(),
            sql: statement.sql,
        }
    }
}

fn values(rows: Vec<Vec<store::Value>>) -> Vec<Vec<Value>> {
    let value = |value| match value {
        store::Value::Null => Value::Null,
        store::Value::Integer(n) => Value::Integer(n),
        store::Value::Real(n) => Value::Real(n),
        store::Value::Text(t) => Value::Text(t),
        store::Value::Blob(b) => Value::Blob(b),
    };
    rows.into_iter()
        .map(|row| row.into_iter().map(value).collect())
        .collect()
}
