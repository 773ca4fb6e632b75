//! Single steps, for tuning.

use crate::{Result, child::Child, files::Setup, report::Figure, stats::median};

const ROUNDS: usize = 5;

pub(super) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let folder = setup.folder(&["bench-noop".into()])?;
    let mut child = Child::start(&["micro", &folder.path().to_string_lossy()])?;
    child.answer()?;
    let n = setup.count(2000);
    child.ask(&(n / 2).to_string())?;
    let (mut find, mut nothing, mut write) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let answer = child.ask(&n.to_string())?;
        let value = |name: &str| answer[name].as_f64().unwrap_or_default();
        find.push(value("find"));
        nothing.push(value("nothing"));
        write.push(value("write"));
    }
    let rounds = |text: &str, n: usize| format!("{text}; median of {ROUNDS} rounds of {n}");
    Ok(vec![
        Figure::new(
            "matcher",
            "µs",
            median(&find),
            rounds(
                "all incoming stages asked who wants a message, 20 plugins' declarations",
                n * 100,
            ),
        ),
        Figure::new(
            "call",
            "µs",
            median(&nothing),
            rounds("JSON, a plugin's empty method, JSON, in process", n),
        ),
        Figure::new(
            "commit",
            "µs",
            median(&write),
            rounds("a method that writes one row with one event, in memory", n),
        ),
    ])
}
