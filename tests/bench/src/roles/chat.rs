//! Two people who write to each other, or one of them.

use super::{commands, native, ours, say};
use crate::{Result, stats::micros};
use futures::{StreamExt, future::BoxFuture, stream};
use serde_json::{Map, Value, json};
use std::{
    path::Path,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_xmpp::Stanza;
use xmpp_parsers::jid::Jid;

const DOMAIN: &str = "localhost";
/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which of the two live in this process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Both,
    Sender,
    Receiver,
}

impl FromStr for Which {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "both" => Ok(Self::Both),
            "sender" => Ok(Self::Sender),
            "receiver" => Ok(Self::Receiver),
            _ => Err(format!("{word} is nobody")),
        }
    }
}

type Send = Arc<dyn Fn(String) -> BoxFuture<'static, Result<()>> + std::marker::Send + Sync>;
type Arrived = mpsc::UnboundedReceiver<()>;

/// Sends, and tells of what arrives; what isn't here does nothing.
struct Ends {
    send: Send,
    arrived: Arrived,
}

/// On plain tokio-xmpp, storing nothing.
pub(super) async fn native(port: u16, from: &str, to: &str, which: Which) -> Result<()> {
    let (queue, mut outgoing) = mpsc::channel::<(Stanza, oneshot::Sender<()>)>(64);
    if which != Which::Receiver {
        let mut client = native::connect(from, DOMAIN, port).await?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    event = client.next() => if event.is_none() { break },
                    Some((stanza, done)) = outgoing.recv() => {
                        if client.send_stanza(stanza).await.is_err() { break }
                        done.send(()).ok();
                    }
                }
            }
        });
    }
    let (tell, arrived) = mpsc::unbounded_channel();
    if which != Which::Sender {
        let mut client = native::connect(to, DOMAIN, port).await?;
        tokio::spawn(async move {
            while let Some(event) = client.next().await {
                if native::said(event).is_some() && tell.send(()).is_err() {
                    break;
                }
            }
        });
    }
    let to = Jid::new(&format!("{to}@{DOMAIN}"))?;
    let send: Send = Arc::new(move |body| {
        let (queue, to) = (queue.clone(), to.clone());
        Box::pin(async move {
            let (done, sent) = oneshot::channel();
            queue.send((native::message(to, body), done)).await?;
            Ok(sent.await?)
        })
    });
    serve(Ends { send, arrived }).await
}

/// As profiles of one backend, with all its plugins.
pub(super) async fn ours(
    port: u16,
    from: &str,
    to: &str,
    which: Which,
    folder: &Path,
) -> Result<()> {
    let backend = ours::backend(folder).await?;
    let (tell, arrived) = mpsc::unbounded_channel();
    if which != Which::Sender {
        let profile = ours::profile(&backend, to, DOMAIN, port).await?;
        profile.connect().await?;
        let mut follower = profile.events().follow(0, vec!["chat.message".into()]);
        tokio::spawn(async move {
            while let Ok(events) = follower.next().await {
                for _ in events
                    .iter()
                    .filter(|e| e.data.contains("\"direction\":\"in\""))
                {
                    tell.send(()).ok();
                }
            }
        });
    }
    let sender = match which {
        Which::Receiver => None,
        _ => {
            let profile = ours::profile(&backend, from, DOMAIN, port).await?;
            profile.connect().await?;
            Some(profile)
        }
    };
    let to = format!("{to}@{DOMAIN}");
    let send: Send = Arc::new(move |body| {
        let (backend, sender, to) = (backend.clone(), sender.clone(), to.clone());
        Box::pin(async move {
            let sender = sender.ok_or("the sender isn't here")?;
            let mut params = Map::new();
            params.insert("to".into(), to.into());
            params.insert("body".into(), body.into());
            ours::call(&backend, &sender, "chat.send", &params).await
        })
    });
    serve(Ends { send, arrived }).await
}

async fn serve(mut ends: Ends) -> Result<()> {
    // What plugins do when they connect is not to be measured.
    tokio::time::sleep(Duration::from_secs(1)).await;
    while ends.arrived.try_recv().is_ok() {}
    let mut commands = commands();
    while let Some(line) = commands.recv().await {
        let words: Vec<_> = line.split(' ').collect();
        let answer = match words.as_slice() {
            ["latency", n] => ends.latency(n.parse()?).await?,
            ["rate", n, in_flight] => ends.rate(n.parse()?, in_flight.parse()?).await?,
            ["send", n, in_flight] => ends.send_all(n.parse()?, in_flight.parse()?).await?,
            ["receive", n] => ends.receive(n.parse()?).await?,
            _ => return Err("no such command".into()),
        };
        say(&answer);
    }
    Ok(())
}

fn body(n: usize) -> String {
    format!("Message {n}: shall I hear more, or shall I speak at this?")
}

impl Ends {
    /// The next message that arrives.
    async fn arrive(&mut self) -> Result<()> {
        match timeout(PATIENCE, self.arrived.recv()).await {
            Ok(arrived) => Ok(arrived.ok_or("the receiver is gone")?),
            Err(_) => Err(format!("nothing arrived for {} s", PATIENCE.as_secs()).into()),
        }
    }

    /// One after the other: the time from the call to the other side's knowledge, for each.
    async fn latency(&mut self, n: usize) -> Result<Value> {
        let mut times = Vec::with_capacity(n);
        for n in 0..n {
            let start = Instant::now();
            (self.send)(body(n)).await?;
            self.arrive().await?;
            times.push(micros(start.elapsed()));
        }
        Ok(json!({ "micros": times }))
    }

    /// With so many on their way.
    async fn rate(&mut self, n: usize, in_flight: usize) -> Result<Value> {
        let (mut sent, start) = (0, Instant::now());
        for arrived in 0..n {
            while sent < n && sent - arrived < in_flight {
                let sending = (self.send)(body(sent));
                tokio::spawn(async move {
                    if let Err(e) = sending.await {
                        say(&json!({ "error": format!("not sent: {e}") }));
                    }
                });
                sent += 1;
            }
            self.arrive().await?;
        }
        Ok(json!({ "seconds": start.elapsed().as_secs_f64() }))
    }

    async fn send_all(&mut self, n: usize, in_flight: usize) -> Result<Value> {
        let start = Instant::now();
        let send = self.send.clone();
        let mut sending = stream::iter(0..n)
            .map(|n| send(body(n)))
            .buffer_unordered(in_flight);
        while let Some(result) = sending.next().await {
            result?;
        }
        Ok(json!({ "seconds": start.elapsed().as_secs_f64() }))
    }

    async fn receive(&mut self, n: usize) -> Result<Value> {
        for _ in 0..n {
            self.arrive().await?;
        }
        Ok(json!({}))
    }
}
