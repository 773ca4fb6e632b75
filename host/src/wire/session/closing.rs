//! The orderly end of a stream (RFC 6120 §4.4).

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use minidom::Element;
use tokio::time::timeout;
use tokio_xmpp::xmlstream::ReadError;

use super::Session;
use crate::wire::{Event, fault::Fault, ns};

/// How long the server has for its part.
const PATIENCE: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Writes what was handed in, acknowledges, closes the stream and waits for the server.
    pub(super) async fn finish(&mut self) {
        self.queue.close();
        match timeout(PATIENCE, self.say_goodbye()).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::debug!(error = %fault.error, "the stream closed early"),
            Err(_) => tracing::debug!("the server didn't close the stream in time"),
        }
        let acknowledged = self.sm.as_mut().map(|sm| sm.out.take_acknowledged());
        self.reporter
            .emit_all(acknowledged.into_iter().flatten().map(Event::Acknowledged));
    }

    async fn say_goodbye(&mut self) -> Result<(), Fault> {
        while let Ok(outgoing) = self.queue.try_recv() {
            self.accept(outgoing)?;
        }
        while self
            .write_unacknowledged()
            .map_err(|error| Fault::io(&error))?
        {}
        if let Some(sm) = &mut self.sm {
            let count = sm.answer();
            self.write(&Element::bare("r", ns::SM))
                .map_err(|error| Fault::io(&error))?;
            self.acknowledge(count)?;
        }
        let flushed: Result<(), _> = SinkExt::<&Element>::flush(&mut self.xml).await;
        flushed.map_err(|error| Fault::io(&error))?;
        self.flushed();
        self.xml
            .shutdown()
            .await
            .map_err(|error| Fault::io(&error))?;
        loop {
            match self.xml.next().await {
                Some(Ok(element)) if element.is("a", ns::SM) => {
                    let count = element.attr("h").and_then(|count| count.parse().ok());
                    if let (Some(sm), Some(count)) = (&mut self.sm, count)
                        && !sm.out.acknowledge(count)
                    {
                        return Err(Fault::negotiation("The server counted wrongly."));
                    }
                }
                // What comes now stays unacknowledged, so the server keeps it for the next time.
                Some(Ok(_)) | Some(Err(ReadError::SoftTimeout)) => {}
                Some(Err(_)) | None => return Ok(()),
            }
        }
    }
}
