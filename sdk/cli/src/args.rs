//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Makes, checks, tries and packs plugins of Salut à Toi.
#[derive(Debug, Parser)]
#[command(name = "sat-plugin", bin_name = "sat plugin", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The backend's sat.conf, where it isn't one of the usual places.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed, such as a build; 2 wrong usage; 5 the backend isn't running; \
16 not found; 17 the plugin has faults; 18 a tool or target is missing; 19 it exists already";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a folder with a plugin that works, to start from
    New(New),
    /// Build the plugin and check the file
    Build {
        /// The plugin's folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Build quickly, for a large file that is easier to debug
        #[arg(long)]
        debug: bool,
    },
    /// Say what is wrong with a plugin file, or with the one that a folder's build left
    Check {
        /// A plugin file, or a plugin's folder
        #[arg(default_value = ".")]
        path: PathBuf,
        /// A released file of the same plugin: say what others can't build on any more
        #[arg(long, value_name = "OLD.wasm")]
        against: Option<PathBuf>,
    },
    /// Say what a plugin file is, offers and asks for
    Info {
        /// A plugin file
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Describe a feature as Markdown: its methods, events and types, from the comments in WIT
    Doc {
        /// A folder of WIT files or a WIT file, a plugin's folder or a plugin file
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Try the plugin in the running backend: build, drop in, follow its log, build again on save
    Run {
        /// The plugin's folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Show events and log lines of this profile alone
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// Leave the file in the plugin folder at the end
        #[arg(long)]
        keep: bool,
    },
    /// Run the plugin's tests: its own, the conformance suite, and the plays in tests/
    Test {
        /// The plugin's folder
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Where other plugins lie whose features it uses, beside those that came with this tool
        #[arg(long, value_name = "DIR")]
        plugins: Vec<PathBuf>,
    },
    /// Leave the file for others in dist/, with its checksum
    Pack {
        /// The plugin's folder
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Make a key to sign plugin files with
    Keygen {
        /// Where to write the secret key; the public one goes to FILE.pub
        file: PathBuf,
    },
    /// Sign a plugin file
    Sign {
        /// A plugin file
        file: PathBuf,
        /// The secret key that `keygen` wrote
        #[arg(long, value_name = "KEY")]
        key: PathBuf,
    },
    /// Print the folder of the SDK that this tool brings along
    Sdk,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The plugin's id: lower-case words joined by hyphens. It names the folder too
    pub(crate) name: String,
    /// What to start from: iq answers IQ requests, filter changes messages, feature has methods,
    /// an event and a table
    #[arg(long, default_value = "iq", value_parser = ["iq", "filter", "feature"])]
    pub(crate) template: String,
    /// The namespace of your features, such as your organisation's name
    #[arg(long, default_value = "example")]
    pub(crate) namespace: String,
    /// Write the plugin in Python
    #[arg(long)]
    pub(crate) python: bool,
    /// Use the SDK in this folder, the `sdk/` of a checkout say, instead of the tool's own
    #[arg(long, value_name = "PATH")]
    pub(crate) sdk: Option<PathBuf>,
}
