//! What was measured, as lines, as a table and as JSON.

use serde_json::{Value, json};

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Ours divided by the native peer's.
    RatioAtLeast(f64),
    /// Ours divided by the native peer's.
    RatioAtMost(f64),
    /// In the figure's unit.
    AtLeast(f64),
    /// In the figure's unit.
    AtMost(f64),
}

/// One figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Which, in two or three words.
    pub(crate) name: &'static str,
    /// What was measured, and how many runs.
    pub(crate) what: String,
    /// Unit of both values.
    pub(crate) unit: &'static str,
    /// The backend's value.
    pub(crate) ours: f64,
    /// The native peer's, where there is one.
    pub(crate) native: Option<f64>,
    /// What it should be; a figure may serve for orientation only.
    pub(crate) targets: Vec<Target>,
    /// The figure of Libervia 0.8, the Python original.
    pub(crate) libervia: Option<&'static str>,
}

impl Figure {
    /// A figure without native peer and without target.
    pub(crate) fn new(name: &'static str, unit: &'static str, ours: f64, what: String) -> Self {
        Self {
            name,
            what,
            unit,
            ours,
            native: None,
            targets: Vec::new(),
            libervia: None,
        }
    }

    pub(crate) fn native(mut self, native: f64) -> Self {
        self.native = Some(native);
        self
    }

    pub(crate) fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    pub(crate) fn libervia(mut self, figure: &'static str) -> Self {
        self.libervia = Some(figure);
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.native.filter(|n| *n > 0.0).map(|n| self.ours / n)
    }

    fn meets(&self, target: Target) -> bool {
        let ratio = self.ratio();
        match target {
            Target::RatioAtLeast(least) => ratio.is_some_and(|r| r >= least),
            Target::RatioAtMost(most) => ratio.is_some_and(|r| r <= most),
            Target::AtLeast(least) => self.ours >= least,
            Target::AtMost(most) => self.ours <= most,
        }
    }

    fn target_text(&self, target: Target) -> String {
        match target {
            Target::RatioAtLeast(x) => format!("≥ {x} ×"),
            Target::RatioAtMost(x) => format!("≤ {x} ×"),
            Target::AtLeast(x) => format!("≥ {} {}", number(x), self.unit),
            Target::AtMost(x) => format!("≤ {} {}", number(x), self.unit),
        }
    }

    /// Prints it as it was measured.
    pub(crate) fn print(&self) {
        let native = self
            .native
            .map(|n| format!(", native {}", number(n)))
            .unwrap_or_default();
        let ratio = self
            .ratio()
            .map(|r| format!(" ({r:.2} ×)"))
            .unwrap_or_default();
        let before = self
            .libervia
            .map(|l| format!(" [Libervia: {l}]"))
            .unwrap_or_default();
        let (name, unit, ours) = (self.name, self.unit, number(self.ours));
        println!(
            "  {name}: {ours}{native} {unit}{ratio}{before}\n      {}",
            self.what
        );
    }

    fn json(&self) -> Value {
        let targets: Vec<_> = self
            .targets
            .iter()
            .map(|t| json!({"target": self.target_text(*t), "met": self.meets(*t)}))
            .collect();
        json!({
            "name": self.name, "what": self.what, "unit": self.unit, "ours": self.ours,
            "native": self.native, "ratio": self.ratio(), "targets": targets,
            "libervia": self.libervia,
        })
    }
}

/// Three significant digits or so.
fn number(x: f64) -> String {
    match x.abs() {
        a if a >= 1000.0 => {
            let digits = format!("{x:.0}");
            let head = digits.len() % 3;
            let mut out = String::new();
            for (n, c) in digits.chars().enumerate() {
                if n > 0 && n % 3 == head {
                    out.push(',');
                }
                out.push(c);
            }
            out
        }
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 10.0 => format!("{x:.1}"),
        a if a >= 0.1 => format!("{x:.2}"),
        _ => format!("{x:.3}"),
    }
}

/// All figures as one JSON text.
pub(crate) fn json(figures: &[Figure]) -> String {
    let list: Vec<_> = figures.iter().map(Figure::json).collect();
    format!("{:#}", json!({ "figures": list }))
}

/// The table at the end.
pub(crate) fn table(figures: &[Figure]) {
    println!(
        "\n{:<34} {:>12} {:>12} {:>8}  target",
        "figure", "ours", "native", "ratio"
    );
    for f in figures {
        let native = f.native.map(number).unwrap_or_default();
        let ratio = f.ratio().map(|r| format!("{r:.2} ×")).unwrap_or_default();
        let targets: Vec<_> = f
            .targets
            .iter()
            .map(|t| {
                format!(
                    "{} {}",
                    f.target_text(*t),
                    if f.meets(*t) { "yes" } else { "NO" }
                )
            })
            .collect();
        let before = f.libervia.map(|l| format!("  [{l}]")).unwrap_or_default();
        let name = format!("{}, {}", f.name, f.unit);
        println!(
            "{name:<34} {:>12} {native:>12} {ratio:>8}  {}{before}",
            number(f.ours),
            targets.join(", ")
        );
    }
}
