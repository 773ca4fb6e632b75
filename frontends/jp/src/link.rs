//! The connection to the backend: the client crate, with `jp`'s failures and plain JSON.

use std::path::Path;

use sat_client::{Address, Client, Event, Events, RpcError, Since};
use serde_json::Value;

use crate::failure::Failure;

/// An open connection.
pub(crate) struct Link {
    client: Client,
}

/// What was found at a socket.
pub(crate) enum Reach {
    /// A backend.
    Open(Link),
    /// Nobody listens there.
    NobodyThere,
}

impl Link {
    /// Connects, with the token of a profile that was unlocked before.
    pub(crate) async fn open(socket: &Path, token: Option<&str>) -> Result<Reach, Failure> {
        let address = Address::Unix(socket.to_owned());
        let mut opened = Client::connect(&address, token).await;
        // A token dies with the backend that gave it. Without one the profile is just locked.
        if token.is_some()
            && opened
                .as_ref()
                .is_err_and(|error| error.kind == "forbidden")
        {
            opened = Client::connect(&address, None).await;
        }
        match opened {
            Ok(client) => Ok(Reach::Open(Self { client })),
            Err(error) if error.kind == "not-running" => Ok(Reach::NobodyThere),
            Err(error) => Err(error.into()),
        }
    }

    /// Calls a method.
    pub(crate) async fn call(&self, method: &str, parameters: &Value) -> Result<Value, Failure> {
        Ok(self.client.call_as(method, parameters).await?)
    }

    /// Subscribes to topics; without `since`, of all profiles that may be used, from now on.
    pub(crate) async fn subscribe(
        &self,
        topics: &[String],
        since: Option<&Since>,
    ) -> Result<Events, Failure> {
        let topics: Vec<_> = topics.iter().map(String::as_str).collect();
        Ok(self.client.subscribe_events(&topics, since).await?)
    }
}

/// An event as JSON, as all frontends see it.
pub(crate) fn event_value(event: &Event) -> Value {
    let data = event
        .data
        .as_ref()
        .map(|data| serde_json::from_str(data.get()).unwrap_or_default());
    let mut value = serde_json::json!({
        "cursor": event.cursor,
        "at": event.at,
        "profile": event.profile,
        "topic": event.topic,
    });
    // Absent isn't null: it means that the event is too big to be told.
    if let (Some(map), Some(data)) = (value.as_object_mut(), data) {
        map.insert("data".to_owned(), data);
    }
    value
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self::answered(&error.kind, &error.message)
    }
}
