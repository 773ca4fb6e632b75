//! A message in, through a plugin, and back out.

use crate::{
    Result,
    child::Child,
    files::Setup,
    report::{Figure, Target},
    stats::{median, micros},
    xmpp::{Door, Session},
};

const ROUNDS: usize = 5;
const IN_FLIGHT: usize = 64;

/// A bot and what was measured of it.
struct Bot {
    child: Child,
    session: Session,
    rate: Vec<f64>,
    crowd: Vec<f64>,
    latency: Vec<f64>,
    cpu: Vec<f64>,
}

impl Bot {
    fn start(role: &str, folder: Option<&str>) -> Result<Self> {
        let door = Door::open()?;
        let port = door.port()?.to_string();
        let arguments: Vec<_> = [role, &port].into_iter().chain(folder).collect();
        let mut child = Child::start(&arguments)?;
        let session = door.admit()?;
        child.answer()?;
        let (rate, crowd, latency, cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            child,
            session,
            rate,
            crowd,
            latency,
            cpu,
        })
    }

    fn round(&mut self, total: usize) -> Result<()> {
        let cpu = self.child.cpu()?;
        let time = self.session.echo(total, IN_FLIGHT, 1)?;
        self.cpu
            .push(micros(self.child.cpu()? - cpu) / total as f64);
        self.rate.push(total as f64 / time.as_secs_f64());
        let time = self.session.echo(total, IN_FLIGHT, IN_FLIGHT)?;
        self.crowd.push(total as f64 / time.as_secs_f64());
        for _ in 0..total / 50 {
            self.latency.push(micros(self.session.echo(1, 1, 1)?));
        }
        Ok(())
    }
}

pub(super) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let folder = setup.folder(&["bench-echo".into()])?;
    let mut native = Bot::start("echo-native", None)?;
    let mut ours = Bot::start("echo-ours", Some(&folder.path().to_string_lossy()))?;
    let total = setup.count(40_000);
    for bot in [&mut native, &mut ours] {
        // Warms up; what the first messages cost is `start`'s matter.
        bot.session.echo(total / 4, IN_FLIGHT, 1)?;
        bot.session.echo(total / 20, 1, 1)?;
    }
    for _ in 0..ROUNDS {
        native.round(total)?;
        ours.round(total)?;
    }
    let what =
        |text: &str| format!("{text}; median of {ROUNDS} alternating rounds of {total} messages");
    let latencies = native.latency.len();
    Ok(vec![
        Figure::new(
            "echo rate",
            "msg/s",
            median(&ours.rate),
            what(&format!("message in, plugin, message out, {IN_FLIGHT} in flight, all from one sender")),
        )
        .native(median(&native.rate))
        .target(Target::RatioAtLeast(0.8))
        .libervia("72/s"),
        Figure::new(
            "echo rate, crowd",
            "msg/s",
            median(&ours.crowd),
            what(&format!("the same from {IN_FLIGHT} senders in turn")),
        )
        .native(median(&native.crowd))
        .target(Target::RatioAtLeast(0.8)),
        Figure::new(
            "echo latency",
            "µs",
            median(&ours.latency),
            format!("one message at a time; median of {latencies} messages in {ROUNDS} alternating rounds"),
        )
        .native(median(&native.latency))
        .target(Target::RatioAtMost(1.25))
        .libervia("31.8 ms"),
        Figure::new(
            "echo CPU",
            "µs/msg",
            median(&ours.cpu),
            what("CPU time of the bot's process for each message in and out, one sender"),
        )
        .native(median(&native.cpu))
        .libervia("13.6–26 ms"),
    ])
}
