//! `sat-testkit`: plays scenarios and runs the conformance suite for a plugin file. `sat plugin
//! test` calls it.

use clap::{Parser, Subcommand};
use sat_testkit::{
    Failure, Play, Stage, block_on,
    suite::{CHECKS, Subject},
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

/// Tests a plugin in the real host, against a server in memory.
#[derive(Parser)]
#[command(name = "sat-testkit", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play scenarios
    Play {
        /// The plugin file
        #[arg(long, short)]
        plugin: Vec<PathBuf>,
        /// Where the plugins lie that a play needs by name
        #[arg(long, value_name = "DIR")]
        plugins: Vec<PathBuf>,
        /// The plays
        #[arg(required = true)]
        plays: Vec<PathBuf>,
    },
    /// Run the conformance suite
    Suite {
        /// The plugin file
        plugin: PathBuf,
        /// Files of plugins whose features it uses
        #[arg(long)]
        with: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let results = match Args::parse().command {
        Command::Play {
            plugin,
            plugins,
            plays,
        } => plays
            .iter()
            .map(|file| {
                let name = file.display().to_string();
                report(&name, || play(file, &plugin, &plugins))
            })
            .collect(),
        Command::Suite { plugin, with } => {
            let subject = Subject { file: plugin, with };
            CHECKS
                .iter()
                .map(|check| report(check.title(), || block_on(check.run(&subject))))
                .collect::<Vec<_>>()
        }
    };
    let failed = results.iter().filter(|fine| !**fine).count();
    let passed = results.len() - failed;
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn report(name: &str, run: impl FnOnce() -> Result<(), Failure>) -> bool {
    let began = Instant::now();
    let result = run();
    let time = began.elapsed().as_millis();
    match &result {
        Ok(()) => println!("ok      {time:>5} ms  {name}"),
        Err(failure) => println!("FAILED  {time:>5} ms  {name}\n{failure}"),
    }
    result.is_ok()
}

fn play(file: &Path, plugin: &[PathBuf], folders: &[PathBuf]) -> Result<(), Failure> {
    let play = Play::read(file)?;
    let mut stage = plugin.iter().fold(Stage::new(), Stage::plugin);
    for name in &play.plugins {
        let found = folders
            .iter()
            .map(|f| f.join(format!("{}.wasm", name.replace('-', "_"))))
            .find(|f| f.is_file());
        let found = found.ok_or_else(|| {
            Failure::new(format!(
                "{}: it needs the plugin {name}, which is in no folder given with --plugins",
                file.display()
            ))
        })?;
        stage = stage.plugin(found);
    }
    block_on(play.run(stage))
}
