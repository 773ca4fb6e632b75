//! Reads musings, and receives what pubsub tells of them.

use bindings::{
    exports::{acme::reader::reader, sat::pubsub::events},
    sat::pubsub::{
        pubsub,
        types::{CachedRequest, Change, NodeEvent, Retraction},
    },
};
use sat_sdk::{
    Error,
    storage::{self, Migrations, sql},
};

sat_sdk::plugin!(Reader);

struct Reader;

static TABLES: Migrations = Migrations::new(
    "reader__schema",
    &[&["CREATE TABLE reader__seen (row INTEGER PRIMARY KEY, what TEXT NOT NULL) STRICT"]],
);

impl reader::Guest for Reader {
    async fn seen() -> Result<Vec<String>, Error> {
        TABLES.run().await?;
        let rows: Vec<(String,)> =
            storage::select("SELECT what FROM reader__seen ORDER BY row", []).await?;
        Ok(rows.into_iter().map(|(what,)| what).collect())
    }

    async fn read() -> Result<Vec<String>, Error> {
        let request = CachedRequest {
            service: None,
            node: None,
            namespace: Some("urn:example:musing".into()),
            element: None,
            limit: None,
            before: None,
            after: None,
            extra: Vec::new(),
        };
        let page = pubsub::cached(request).await?;
        Ok(page.items.into_iter().map(|item| item.id).collect())
    }
}

async fn saw(what: String) {
    let stored = async {
        TABLES.run().await?;
        let insert = "INSERT INTO reader__seen (what) VALUES (?1)";
        storage::run(vec![sql(insert, [what.into()])]).await
    };
    if let Err(e) = stored.await {
        sat_sdk::error!("not stored: {}", e.message);
    }
}

impl events::Guest for Reader {
    async fn changed(e: Change) {
        saw(format!("changed {} {} {}", e.service, e.node, e.item.id)).await;
    }

    async fn retracted(e: Retraction) {
        saw(format!(
            "retracted {} {} {}",
            e.service,
            e.node,
            e.ids.join(",")
        ))
        .await;
    }

    async fn purged(e: NodeEvent) {
        saw(format!("purged {} {}", e.service, e.node)).await;
    }

    async fn deleted(e: NodeEvent) {
        saw(format!("deleted {} {}", e.service, e.node)).await;
    }

    async fn configured(e: NodeEvent) {
        saw(format!("configured {} {}", e.service, e.node)).await;
    }
}
