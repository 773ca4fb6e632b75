//! `bench`: what the backend costs, against native peers measured in the same run.
//!
//! Native and ours alternate, so that whatever else the machine does hits both. Nothing is
//! asserted: the targets stand beside the results. Each thing that is measured is a process of
//! its own (`bench child …`, `sat`, `jp`), so that its CPU time and memory are its alone.

mod child;
mod figures;
mod files;
mod prosody;
mod report;
mod roles;
mod stats;
mod websocket;
mod xmpp;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Measures the backend against native peers.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only these figures: echo, chat, rpc, start, memory, micro.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Print the figures as JSON at the end instead of a table.
    #[arg(long)]
    json: bool,
    /// Fewer and shorter rounds, for trying the benchmark itself.
    #[arg(long)]
    quick: bool,
    /// Where `sat` and `jp` are [default: beside this program].
    #[arg(long, value_name = "DIR")]
    bin: Option<std::path::PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// A role in a process of its own; started by the benchmark.
    #[command(hide = true)]
    Child {
        /// Which.
        role: String,
        /// What it needs.
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Command::Child { role, arguments }) = args.command {
        return roles::main(&role, &arguments);
    }
    if cfg!(debug_assertions) {
        println!("This is an unoptimized build: its figures say nothing.");
    }
    let setup = match files::Setup::new(args.bin, args.quick) {
        Ok(setup) => setup,
        Err(e) => {
            eprintln!("bench: {e}");
            return ExitCode::FAILURE;
        }
    };
    let figures = figures::run(&setup, &args.only);
    if args.json {
        println!("{}", report::json(&figures));
    } else {
        report::table(&figures);
    }
    ExitCode::SUCCESS
}
