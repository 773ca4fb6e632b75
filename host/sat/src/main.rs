//! `sat`: starts the backend, asks after it and stops it.

mod args;
mod background;
mod failure;
mod foreground;
mod harden;
mod log;
mod notify;
mod pidfile;
mod plugin;
mod settings;
mod status;
mod stop;

use std::process::ExitCode;

use clap::Parser;
use sat_host::config::Config;

use args::{Args, Command};
use failure::{Failure, exit};

fn main() -> ExitCode {
    let args = Args::parse();
    // What plugin authors make is for others, what the backend writes isn't.
    if !matches!(args.command, Some(Command::Plugin { .. })) {
        harden::keep_files_private();
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The detached start reads its reason from the last such line of the log.
            eprintln!("{}{failure}", failure::PREFIX);
            ExitCode::from(failure.code)
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    let file = args.config.as_deref();
    let config =
        || Config::load(file).map_err(|error| Failure::new(exit::USAGE, error.to_string()));
    match &args.command {
        None => background::run(file, &config()?),
        Some(Command::Fg { detached }) => foreground::run(&config()?, *detached),
        Some(Command::Status { json }) => status::run(&config()?, *json),
        Some(Command::Stop) => stop::run(&config()?),
        Some(Command::Config { example: true, .. }) => settings::print_example(),
        Some(Command::Config { name, .. }) => settings::print(&config()?, name.as_deref()),
        Some(Command::Plugin { arguments }) => plugin::run(file, arguments),
    }
}
