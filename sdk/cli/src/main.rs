//! `sat-plugin`, which `sat plugin` runs: the tool of plugin authors.

mod args;
mod build;
mod check;
mod contract;
mod doc;
mod failure;
mod info;
mod new;
mod pack;
mod paint;
mod plugin;
mod programs;
mod project;
mod python;
mod run;
mod sdk;
mod signature;
mod test;
mod types;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            paint::error(&failure.to_string());
            ExitCode::from(failure.exit)
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::New(new) => new::run(&new),
        Command::Build { dir, debug } => build::run(&dir, debug),
        Command::Check { path, against } => check::run(&path, against.as_deref()),
        Command::Info { file, json } => info::run(&file, json),
        Command::Doc { path } => doc::run(&path),
        Command::Run { dir, profile, keep } => {
            run::run(&dir, profile.as_deref(), arguments.config.as_deref(), keep)
        }
        Command::Test { dir, plugins } => test::run(&dir, &plugins),
        Command::Pack { dir } => pack::run(&dir),
        Command::Keygen { file } => signature::keygen(&file),
        Command::Sign { file, key } => signature::sign(&file, &key),
        Command::Sdk => sdk::run(),
    }
}
