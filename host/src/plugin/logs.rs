//! Plugins' logs: what they write and what the host writes about them, the newest in memory.

use crate::Clock;
use serde::Serialize;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Lines kept for each plugin.
const KEPT: usize = 1000;
/// Longest line, in bytes.
const LINE: usize = 4096;
/// Lines that a plugin may write in a second.
const RATE: u32 = 50;

/// A line of a plugin's log.
#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    /// When, RFC 3339.
    pub at: String,
    /// In which profile.
    pub profile: Option<String>,
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// What.
    pub message: String,
}

#[derive(Default)]
struct Log {
    lines: VecDeque<LogLine>,
    /// When the second began, by the clock's monotonic reading.
    second: Option<Duration>,
    in_second: u32,
    dropped: u64,
}

/// The logs of all plugins.
#[derive(Default)]
pub struct Logs {
    clock: Clock,
    logs: Mutex<HashMap<String, Log>>,
}

impl Logs {
    /// Empty ones, with lines stamped by this clock.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            logs: Mutex::default(),
        }
    }

    /// Writes a line; more than 50 a second are counted only.
    pub fn write(&self, plugin: &str, profile: Option<&str>, level: &'static str, message: &str) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let log = logs.entry(plugin.to_owned()).or_default();
        let at = self.clock.stamp();
        let now = self.clock.monotonic();
        if log
            .second
            .is_none_or(|began| now.saturating_sub(began) > Duration::from_secs(1))
        {
            (log.second, log.in_second) = (Some(now), 0);
            let dropped = std::mem::take(&mut log.dropped);
            if dropped > 0 {
                let text = format!("{dropped} lines were dropped");
                log.push(at.clone(), profile, "warn", text);
            }
        }
        log.in_second += 1;
        if log.in_second > RATE {
            log.dropped += 1;
            return;
        }
        let mut text: String = message
            .chars()
            .map(|c| {
                if c.is_control() && c != '\n' {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        let mut end = text.len().min(LINE);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        match level {
            "error" => tracing::error!(plugin, profile, "{text}"),
            "warn" => tracing::warn!(plugin, profile, "{text}"),
            "info" => tracing::info!(plugin, profile, "{text}"),
            _ => tracing::debug!(plugin, profile, "{text}"),
        }
        log.push(at, profile, level, text);
    }

    /// The newest lines of a plugin, oldest first.
    pub fn read(&self, plugin: &str, profile: Option<&str>, limit: usize) -> Vec<LogLine> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = logs.get(plugin) else {
            return Vec::new();
        };
        let wanted = |l: &&LogLine| profile.is_none() || l.profile.as_deref() == profile;
        let mut lines: Vec<_> = log
            .lines
            .iter()
            .rev()
            .filter(wanted)
            .take(limit)
            .cloned()
            .collect();
        lines.reverse();
        lines
    }
}

impl Log {
    fn push(&mut self, at: String, profile: Option<&str>, level: &'static str, message: String) {
        self.lines.push_back(LogLine {
            at,
            profile: profile.map(str::to_owned),
            level,
            message,
        });
        if self.lines.len() > KEPT {
            self.lines.pop_front();
        }
    }
}
