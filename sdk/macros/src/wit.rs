//! One WIT text from the plugin's own package and the packages that it refers to.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The WIT of a plugin.
pub(crate) struct Text {
    /// The plugin's own package without its dependencies.
    pub(crate) own: String,
    /// The own package followed by every dependency as a nested package.
    pub(crate) full: String,
    /// Interfaces that the world exports, without version: `sat:plugin/iq-handler`.
    pub(crate) exports: Vec<String>,
    /// Every file that was read.
    pub(crate) files: Vec<PathBuf>,
}

/// Reads `dir` and, for each package referred to, `dir/deps/<name>` or the SDK's copy.
pub(crate) fn collect(dir: &Path) -> Result<Text, String> {
    let mut files = Vec::new();
    let (header, body) = package(dir, &mut files)?;
    let own = format!("{header}\n{body}");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let mut packages: BTreeMap<String, String> = BTreeMap::new();
    let own_name = header
        .trim_start_matches("package ")
        .split(['@', ';'])
        .next()
        .unwrap_or("");
    let mut todo = references(&own);
    while let Some(name) = todo.pop() {
        if name == own_name || packages.contains_key(&name) {
            continue;
        }
        let folder = name.split_once(':').map_or(name.as_str(), |(_, n)| n);
        let candidates = [dir.join("deps").join(folder), sdk.join(folder)];
        let found = candidates.iter().find(|p| p.is_dir()).ok_or(format!(
            "wit: nobody has the package `{name}`: put it into wit/deps/{folder}/"
        ))?;
        let (header, body) = package(found, &mut files)?;
        todo.extend(references(&body));
        packages.insert(
            name,
            format!("{} {{\n{body}\n}}\n", header.trim_end_matches(';')),
        );
    }
    let full = format!(
        "{own}\n{}",
        packages.into_values().collect::<Vec<_>>().join("\n")
    );
    let exports = words(&own)
        .zip(words(&own).skip(1))
        .filter(|(keyword, _)| *keyword == "export")
        .map(|(_, name)| name.split(['@', ';']).next().unwrap_or(name).to_owned())
        .collect();
    Ok(Text {
        own,
        full,
        exports,
        files,
    })
}

/// The `package …;` line of a folder's package, and everything else in its files.
fn package(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(String, String), String> {
    let entries = fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "wit"));
    paths.sort();
    let (mut header, mut body) = (None, String::new());
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        for line in text.lines() {
            if line.trim_start().starts_with("package ") {
                header.get_or_insert(line.trim().to_owned());
            } else {
                body.push_str(line);
                body.push('\n');
            }
        }
        files.push(path);
    }
    Ok((
        header.ok_or(format!("{}: no file says `package …;`", dir.display()))?,
        body,
    ))
}

/// Packages that a text refers to by `namespace:name/interface`.
fn references(text: &str) -> Vec<String> {
    words(text)
        .filter_map(|w| w.split_once('/').map(|(package, _)| package))
        .filter(|p| {
            p.contains(':')
                && p.chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == ':')
        })
        .map(str::to_owned)
        .collect()
}

/// The words of a text outside of its comments.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split("//").next().unwrap_or("").split_whitespace())
}
