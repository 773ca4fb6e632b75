//! Blocks of code in Markdown, with the comments before them.

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    Run,
    Commands,
    File(String),
    Made(String),
    Part(String),
    Items(String),
    Body(String),
    Tests(String),
    Manifest(String),
    World(String),
    Cargo,
    Text,
}

/// A block of code.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Where it begins.
    pub(crate) line: usize,
    pub(crate) mark: Mark,
    pub(crate) text: String,
}

/// All blocks; or the line of one that isn't marked.
pub(crate) fn of(markdown: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = (1..).zip(markdown.lines());
    while let Some((line, text)) = lines.next() {
        if text.starts_with("```") {
            let language = text.trim_start_matches('`');
            let mark =
                mark(before).ok_or(format!("{line}: this block of {language} isn't marked"))?;
            let inside = lines
                .by_ref()
                .map(|(_, l)| l)
                .take_while(|l| !l.starts_with("```"));
            let text = inside.map(|l| format!("{l}\n")).collect();
            if language != self::language(&mark) {
                return Err(format!("{line}: {language:?} can't be {mark:?}"));
            }
            blocks.push(Block { line, mark, text });
        }
        before = text;
    }
    Ok(blocks)
}

fn mark(comment: &str) -> Option<Mark> {
    let words = comment.strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    let (kind, of) = words.split_once(':').unwrap_or((words, ""));
    let of = of.trim().to_owned();
    Some(match (kind, of.is_empty()) {
        ("run", true) => Mark::Run,
        ("commands", true) => Mark::Commands,
        ("cargo", true) => Mark::Cargo,
        ("text", true) => Mark::Text,
        ("file", false) => Mark::File(of),
        ("made", false) => Mark::Made(of),
        ("part", false) => Mark::Part(of),
        ("items", false) => Mark::Items(of),
        ("body", false) => Mark::Body(of),
        ("tests", false) => Mark::Tests(of),
        ("manifest", false) => Mark::Manifest(of),
        ("world", false) => Mark::World(of),
        _ => return None,
    })
}

/// The language that such a block is in.
fn language(mark: &Mark) -> &'static str {
    match mark {
        Mark::Run | Mark::Commands => "sh",
        Mark::Items(_) | Mark::Body(_) | Mark::Tests(_) => "rust",
        Mark::Manifest(_) | Mark::Cargo => "toml",
        Mark::World(_) => "wit",
        Mark::Text => "text",
        Mark::File(path) | Mark::Made(path) | Mark::Part(path) => match path.rsplit('.').next() {
            Some("rs") => "rust",
            Some("toml") => "toml",
            Some("wit") => "wit",
            _ => "text",
        },
    }
}

/// Links to files of the repository and to headings.
pub(crate) fn links(markdown: &str) -> Vec<String> {
    let text = outside(markdown);
    let ends = text.split("](").skip(1);
    let links = ends.filter_map(|rest| rest.split(')').next());
    let links = links.filter(|link| !link.contains("://"));
    links.map(str::to_owned).collect()
}

/// What headings are linked by.
pub(crate) fn anchors(markdown: &str) -> Vec<String> {
    let text = outside(markdown);
    let headings = text.lines().filter(|l| l.starts_with('#'));
    let titles = headings.map(|l| l.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-');
    let anchor = |title: String| {
        title
            .chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    };
    titles.map(anchor).collect()
}

/// The text without its blocks.
fn outside(markdown: &str) -> String {
    let parts = markdown.split("\n```").step_by(2);
    parts.collect()
}
