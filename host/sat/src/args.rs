//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Parser, Subcommand};

/// The SàT backend: without a command, starts it in the background.
#[derive(Debug, Parser)]
#[command(name = "sat", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Read this file instead of searching for sat.conf.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run in the foreground, logging to standard error.
    Fg {
        /// Leave the terminal: how the background start starts it.
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Say whether the backend runs.
    Status {
        /// Print what the backend says as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stop the backend and wait until it is gone.
    Stop,
    /// Show the options in use and where they come from.
    Config {
        /// Print only the value of this option, such as bridge.socket.
        name: Option<String>,
        /// Print sat.conf.example.
        #[arg(long, conflicts_with = "name")]
        example: bool,
    },
    /// Make, check, try and pack plugins of your own: `sat plugin --help`.
    #[command(disable_help_flag = true)]
    Plugin {
        /// What the program sat-plugin is given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, or running; 1 failed; 2 wrong usage or sat.conf; 3 not running (status); \
4 running, but the bridge doesn't answer (status); 18 sat-plugin is missing (plugin); 19 runs already";
