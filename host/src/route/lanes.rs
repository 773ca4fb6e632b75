//! Order: stanzas of one peer are dealt with one after the other, different peers interleave.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Stanzas of a profile that are being dealt with or wait for their turn.
pub const IN_HAND: usize = 1024;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Peer → what waits for its turn, each with its share of the room.
type Waiting = Arc<Mutex<HashMap<String, VecDeque<(Work, OwnedSemaphorePermit)>>>>;

/// A queue for each peer that has work now.
#[derive(Clone)]
pub struct Lanes {
    waiting: Waiting,
    room: Arc<Semaphore>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            waiting: Arc::default(),
            room: Arc::new(Semaphore::new(IN_HAND)),
        }
    }
}

impl Lanes {
    /// Queues work behind the earlier work of this peer. Waits while there is too much in hand.
    pub async fn push(&self, peer: &str, work: impl Future<Output = ()> + Send + 'static) {
        // The semaphore is never closed.
        let Ok(permit) = self.room.clone().acquire_owned().await else {
            return;
        };
        let work: (Work, _) = (Box::pin(work), permit);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = waiting.get_mut(peer) {
            lane.push_back(work);
            return;
        }
        waiting.insert(peer.to_owned(), VecDeque::from([work]));
        drop(waiting);
        tokio::spawn(run(self.waiting.clone(), peer.to_owned()));
    }
}

/// Works a lane off and removes it when it is empty.
async fn run(waiting: Waiting, peer: String) {
    loop {
        let next = {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let next = waiting.get_mut(&peer).and_then(VecDeque::pop_front);
            if next.is_none() {
                waiting.remove(&peer);
                return;
            }
            next
        };
        if let Some((work, permit)) = next {
            // Its own task: a panic in one stanza's work must not stop the lane.
            if let Err(e) = tokio::spawn(work).await
                && e.is_panic()
            {
                tracing::error!("A stanza's work panicked");
            }
            drop(permit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn one_peer_in_order_others_do_not_wait() {
        let lanes = Lanes::default();
        let (tx, mut rx) = mpsc::unbounded_channel();
        let (open, gate) = tokio::sync::oneshot::channel::<()>();
        let t = tx.clone();
        lanes
            .push("a", async move {
                gate.await.ok();
                t.send("a1").ok();
            })
            .await;
        let t = tx.clone();
        lanes
            .push("a", async move {
                t.send("a2").ok();
            })
            .await;
        lanes
            .push("a", async move { panic!("not the others' fault") })
            .await;
        let t = tx.clone();
        lanes
            .push("a", async move {
                t.send("a3").ok();
            })
            .await;
        lanes
            .push("b", async move {
                tx.send("b1").ok();
            })
            .await;
        assert_eq!(rx.recv().await, Some("b1"));
        open.send(()).unwrap();
        assert_eq!(rx.recv().await, Some("a1"));
        assert_eq!(rx.recv().await, Some("a2"));
        assert_eq!(rx.recv().await, Some("a3"));
    }
}
