//! `sat config`: the options in use.

use std::io::{self, Write};

use sat_host::config::{Config, OPTIONS, example};

use crate::failure::{Failure, exit};

/// Prints `sat.conf.example`.
pub(crate) fn print_example() -> Result<(), Failure> {
    write(&example())
}

/// Prints one option's value, or each option with its origin, as a file that could be read.
pub(crate) fn print(config: &Config, name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else {
        return write(&all(config));
    };
    let named = |section: &str, option: &str| match name.split_once('.') {
        Some(parts) => parts == (section, option),
        None => name == option,
    };
    match OPTIONS.iter().find(|spec| named(spec.section, spec.name)) {
        Some(spec) => write(&((spec.show)(config) + "\n")),
        None => {
            let names: Vec<_> = OPTIONS
                .iter()
                .map(|spec| format!("{}.{}", spec.section, spec.name))
                .collect();
            let message = format!(
                "There is no option {name:?}; there are {}",
                names.join(", ")
            );
            Err(Failure::new(exit::USAGE, message))
        }
    }
}

fn all(config: &Config) -> String {
    let mut text = String::new();
    let mut section = "";
    for (spec, origin) in OPTIONS.iter().zip(&config.origins) {
        if spec.section != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            section = spec.section;
            text.push_str(&format!("{gap}[{section}]\n"));
        }
        text.push_str(&format!(
            "# {origin}\n{} = {}\n",
            spec.name,
            (spec.show)(config)
        ));
    }
    text
}

fn write(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        // `sat config | head`
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| Failure::of("Standard output", error)),
    }
}
