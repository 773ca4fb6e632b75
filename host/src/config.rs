//! `sat.conf`: where the backend keeps things and how it is reached.
//!
//! The options stand in one table ([`OPTIONS`]); reading, checking, `sat config` and
//! `sat.conf.example` all come from it.

mod files;
mod ini;
mod table;
mod value;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

pub use table::{OPTIONS, Spec, example};
pub use value::Environment;

use crate::PluginOptions;
use value::Given;

/// What `sat.conf` says, with every default filled in and every path absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the backend keeps its data: databases, profiles, log.
    pub local_dir: PathBuf,
    /// Pictures and sounds that frontends share.
    pub media_dir: PathBuf,
    /// What is logged.
    pub log_level: LogLevel,
    /// Where plugins are looked for; see [`Config::user_plugin_dir`].
    pub plugin_dirs: Vec<PathBuf>,
    /// Whether a new plugin starts at once or waits for a yes.
    pub consent: Consent,
    /// Permissions that plugins don't get, whatever their manifests ask for.
    pub denied: Vec<Denied>,
    /// What plugins may do.
    pub plugins: PluginOptions,
    /// Unix socket of the bridge.
    pub bridge_socket: PathBuf,
    /// Loopback address of the bridge, beside its socket.
    pub bridge_listen: Option<SocketAddr>,
    /// Holds the administrator's token for [`Config::bridge_listen`].
    pub bridge_token_file: PathBuf,
    /// Folder of `<profile>.key` files that open profiles without a person.
    pub key_dir: Option<PathBuf>,
    /// The files that were read, weakest first.
    pub sources: Vec<PathBuf>,
    /// Where each option's value comes from, in the order of [`OPTIONS`].
    pub origins: Vec<Origin>,
}

/// Where the value of an option comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing says otherwise.
    Default,
    /// A line of a file.
    File {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
        }
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what may become a failure.
    Warn,
    /// And what an administrator wants to know.
    Info,
    /// And what helps to find a fault.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word in `sat.conf`, which is also tracing's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// What happens when a plugin appears that asks for permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// It gets what its manifest asks for and starts.
    Auto,
    /// It waits until somebody has agreed.
    Ask,
}

impl Consent {
    /// The word in `sat.conf`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Ask => "ask",
        }
    }
}

/// A permission that a plugin doesn't get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Id of the plugin.
    pub plugin: String,
    /// An interface of the host (`http`), or another plugin's feature (`chat`).
    pub permission: String,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.plugin, self.permission)
    }
}

/// Why the configuration can't be used; says where and what would be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file at fault; absent when a default can't be worked out.
    pub file: Option<PathBuf>,
    /// The line at fault, from 1.
    pub line: Option<usize>,
    /// A sentence for people.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads `explicit`, or else the files of the usual places, later ones over earlier ones.
    pub fn load(explicit: Option<&Path>) -> Result<Self, ConfigError> {
        let environment = Environment::of_process();
        let files = match explicit {
            Some(file) => vec![files::explicit(file)?],
            None => files::search(&environment)?,
        };
        Self::from_files(&environment, &files)
    }

    /// Builds the configuration from the texts of files, weakest first.
    pub fn from_files(
        environment: &Environment,
        files: &[(PathBuf, String)],
    ) -> Result<Self, ConfigError> {
        let mut given: Vec<Option<(ini::Entry, &Path)>> = OPTIONS.iter().map(|_| None).collect();
        for (file, text) in files {
            for (at, entry) in entries(file, text)? {
                if let Some(slot) = given.get_mut(at) {
                    *slot = Some((entry, file));
                }
            }
        }
        let mut config = Self::blank();
        config.sources = files.iter().map(|(file, _)| file.clone()).collect();
        for (spec, given) in OPTIONS.iter().zip(given) {
            config.set(
                environment,
                spec,
                given.as_ref().map(|(entry, file)| (entry, *file)),
            )?;
        }
        Ok(config)
    }

    /// The first plugin folder that this process may write to, made when it isn't there: where
    /// a person's own plugins go.
    pub fn user_plugin_dir(&self) -> Option<&Path> {
        use rustix::fs::{Access, access};
        self.plugin_dirs.iter().map(PathBuf::as_path).find(|dir| {
            std::fs::create_dir_all(dir).is_ok() && access(*dir, Access::WRITE_OK).is_ok()
        })
    }

    /// What stands before the table's rows are applied, in order, to it.
    fn blank() -> Self {
        Self {
            local_dir: PathBuf::new(),
            media_dir: PathBuf::new(),
            log_level: LogLevel::Info,
            plugin_dirs: Vec::new(),
            consent: Consent::Auto,
            denied: Vec::new(),
            plugins: PluginOptions::default(),
            bridge_socket: PathBuf::new(),
            bridge_listen: None,
            bridge_token_file: PathBuf::new(),
            key_dir: None,
            sources: Vec::new(),
            origins: Vec::new(),
        }
    }

    fn set(
        &mut self,
        environment: &Environment,
        spec: &Spec,
        given: Option<(&ini::Entry, &Path)>,
    ) -> Result<(), ConfigError> {
        let (text, base, origin) = match given {
            Some((entry, file)) => (
                entry.value.as_str(),
                file.parent(),
                Origin::File {
                    file: file.to_owned(),
                    line: entry.line,
                },
            ),
            None => (spec.default, None, Origin::Default),
        };
        let local_dir = self.local_dir.clone();
        let value = Given {
            text,
            base,
            environment,
            local_dir: &local_dir,
        };
        (spec.set)(self, &value).map_err(|message| {
            let place = given.map(|(entry, file)| (file.to_owned(), entry.line));
            let (file, line) = place.unzip();
            ConfigError {
                file,
                line,
                message: format!("{}: {message}", spec.name),
            }
        })?;
        self.origins.push(origin);
        Ok(())
    }
}

/// The entries of a file with their rows in the table; an unknown one is an error.
fn entries(file: &Path, text: &str) -> Result<Vec<(usize, ini::Entry)>, ConfigError> {
    let fault = |line, message| ConfigError {
        file: Some(file.to_owned()),
        line: Some(line),
        message,
    };
    let mut known = Vec::new();
    for entry in ini::parse(text).map_err(|(line, message)| fault(line, message))? {
        // A section without entries is checked too: it is likely a misspelt one.
        let Some(key) = &entry.key else {
            if !OPTIONS.iter().any(|spec| spec.section == entry.section) {
                let allowed = table::sections().join("], [");
                let message = format!(
                    "There is no section [{}]; allowed are [{allowed}]",
                    entry.section
                );
                return Err(fault(entry.line, message));
            }
            continue;
        };
        let row = OPTIONS
            .iter()
            .position(|o| o.section == entry.section && o.name == key);
        let Some(row) = row else {
            let allowed = table::names(&entry.section).join(", ");
            let elsewhere = OPTIONS.iter().find(|spec| spec.name == key);
            let hint = elsewhere
                .map(|spec| format!("; {key} belongs to [{}]", spec.section))
                .unwrap_or_default();
            let message = format!(
                "There is no option {key:?} in [{}]; allowed are {allowed}{hint}",
                entry.section
            );
            return Err(fault(entry.line, message));
        };
        known.push((row, entry));
    }
    Ok(known)
}
