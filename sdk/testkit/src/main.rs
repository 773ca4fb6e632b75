//! `sat-testkit`: plays scenarios and runs the conformance suite for a plugin file. `sat plugin
//! test` calls it.

use clap::{Parser, Subcommand};
use sat_testkit::{
    Failure, Play, Stage, block_on,
    suite::{CHECKS, Subject},
};
use std::{
    collections::BTreeSet,
    env,
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
        /// Files of other plugins that shall be there too
        #[arg(long)]
        with: Vec<PathBuf>,
        /// Where the plugins lie whose features it uses
        #[arg(long, value_name = "DIR")]
        plugins: Vec<PathBuf>,
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
        Command::Suite {
            plugin,
            mut with,
            plugins,
        } => {
            // What isn't found isn't there for the plugin either, which it must bear.
            with.extend(used_by(&plugin, &with_own(plugins)));
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
    let folders = with_own(folders.to_vec());
    let used = plugin.iter().flat_map(|file| used_by(file, &folders));
    let mut others: BTreeSet<PathBuf> = used.collect();
    for name in &play.plugins {
        let found = find(name, &folders).ok_or_else(|| {
            Failure::new(format!(
                "{}: it needs the plugin {name}, which is in no folder given with --plugins",
                file.display()
            ))
        })?;
        others.insert(found);
    }
    let own: Vec<_> = plugin.iter().filter_map(|p| p.file_name()).collect();
    for other in others {
        if !other.file_name().is_some_and(|name| own.contains(&name)) {
            stage = stage.plugin(other);
        }
    }
    block_on(play.run(stage))
}

/// The given folders, and that of the plugins which came with this program.
fn with_own(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let program = env::current_exe().ok();
    let prefix = program
        .as_deref()
        .and_then(Path::parent)
        .and_then(Path::parent);
    folders.extend(prefix.map(|p| p.join("plugins")));
    folders
}

/// The file of a plugin, by its name or that of its feature (`acme.weather`).
fn find(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let name = name.rsplit('.').next().unwrap_or(name);
    let file = format!("{}.wasm", name.replace('-', "_"));
    folders.iter().map(|f| f.join(&file)).find(|f| f.is_file())
}

/// Plugins whose features a plugin uses, and those that they use.
fn used_by(file: &Path, folders: &[PathBuf]) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![file.to_owned()]);
    while let Some(file) = todo.pop() {
        // A file that can't be read is reported by whoever loads it.
        let names = sat_testkit::permissions(&file).unwrap_or_default();
        for other in names.iter().filter_map(|name| find(name, folders)) {
            if !found.contains(&other) {
                found.push(other.clone());
                todo.push(other);
            }
        }
    }
    found
}
