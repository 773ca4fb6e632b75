//! `jp`: SàT on the command line.

mod arguments;
mod cli;
mod commands;
mod escape;
mod failure;
mod json;
mod launch;
mod link;
mod output;
mod schema;
mod secret;
mod session;
mod table;
mod tokens;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // One thread: a short command spends its time waiting for the backend.
    let done = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(commands::run(cli)),
        Err(error) => Err(failure::Failure::internal("The runtime can't start", error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                output::note(message);
            }
            ExitCode::from(failure.exit())
        }
    }
}
