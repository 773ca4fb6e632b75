//! The figures, in the order in which they are measured.

mod chat;
mod echo;
mod memory;
mod micro;
mod rpc;
mod sat;
mod start;

use crate::{Result, files::Setup, report::Figure};

type Measure = fn(&Setup) -> Result<Vec<Figure>>;

const ALL: [(&str, Measure); 6] = [
    ("echo", echo::measure),
    ("chat", chat::measure),
    ("rpc", rpc::measure),
    ("start", start::measure),
    ("memory", memory::measure),
    ("micro", micro::measure),
];

/// Measures what is wanted; what can't be measured is said and left out.
pub(crate) fn run(setup: &Setup, only: &[String]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, measure) in ALL {
        if !only.is_empty() && !only.iter().any(|o| o == name) {
            continue;
        }
        println!("{name}");
        match measure(setup) {
            Ok(measured) => {
                measured.iter().for_each(Figure::print);
                figures.extend(measured);
            }
            Err(e) => println!("  not measured: {e}"),
        }
    }
    figures
}
