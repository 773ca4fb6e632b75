//! One WIT text from the plugin's own package and the packages that it refers to.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The WIT of a plugin.
pub(crate) struct Text {
    /// The own package with its world, followed by every dependency as a nested package.
    pub(crate) text: String,
    /// The name of the own package, such as `sat:ping`.
    pub(crate) package: String,
    /// What is in each package, by its name; in the own one with the world.
    pub(crate) packages: BTreeMap<String, String>,
    /// Every file that was read.
    pub(crate) files: Vec<PathBuf>,
}

/// Reads `dir`, if there is one, completes its world, and adds, for each package referred to,
/// `dir/deps/<name>` or the SDK's copy.
///
/// The world gets `sat:plugin/imports` and the hooks. Without a world, the own feature interface
/// (which has the name of its package) is exported and the own `events` are imported.
pub(crate) fn collect(dir: &Path, id: &str, hooks: &[&str]) -> Result<Text, String> {
    let mut files = Vec::new();
    let (header, body) = if dir.is_dir() {
        package(dir, &mut files)?
    } else {
        (format!("package sat-plugin:{id}@0.1.0;"), String::new())
    };
    let body = with_world(&header, body, hooks)?;
    let own = format!("{header}\n{body}");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let mut packages: BTreeMap<String, String> = BTreeMap::new();
    let mut dependencies = String::new();
    let mut todo = references(&own);
    while let Some(name) = todo.pop() {
        if name == package_name(&header) || packages.contains_key(&name) {
            continue;
        }
        let folder = name.split_once(':').map_or(name.as_str(), |(_, n)| n);
        let candidates = [dir.join("deps").join(folder), sdk.join(folder)];
        let found = candidates.iter().find(|p| p.is_dir()).ok_or(format!(
            "wit: nobody has the package `{name}`: put it into wit/deps/{folder}/"
        ))?;
        let (header, body) = package(found, &mut files)?;
        todo.extend(references(&body));
        let nested = header.trim_end_matches(';');
        dependencies.push_str(&format!("{nested} {{\n{body}\n}}\n\n"));
        packages.insert(name, body);
    }
    let package = package_name(&header).to_owned();
    packages.insert(package.clone(), body);
    Ok(Text {
        text: format!("{own}\n{dependencies}"),
        package,
        packages,
        files,
    })
}

/// The package's text with what every world has, and the hooks.
fn with_world(header: &str, body: String, hooks: &[&str]) -> Result<String, String> {
    let mut common = String::from("\n  include sat:plugin/imports@0.1.0;\n");
    for hook in hooks {
        common.push_str(&format!("  export sat:plugin/{hook}@0.1.0;\n"));
    }
    let Some(world) = body.lines().find(|l| l.trim_start().starts_with("world ")) else {
        let feature = package_name(header).rsplit(':').next().unwrap_or_default();
        let has = |name: &str| {
            let mut pairs = words(&body).zip(words(&body).skip(1));
            pairs.any(|(keyword, n)| keyword == "interface" && n.trim_end_matches('{') == name)
        };
        if has(feature) {
            common.push_str(&format!("  export {feature};\n"));
        }
        if has("events") {
            common.push_str("  import events;\n");
        }
        return Ok(format!("{body}\nworld plugin {{{common}}}\n"));
    };
    if let Some(line) = words(&body).find(|w| w.starts_with("sat:plugin/")) {
        return Err(format!(
            "wit: the world says `{line}`: hooks are named in `plugin!(Type: …)` instead, and \
             `sat:plugin/imports` is included by itself"
        ));
    }
    let open = format!("{}\n", world.trim_end());
    let opened = world
        .trim_end()
        .strip_suffix('{')
        .ok_or("wit: write the world's `{` at the end of its first line")?;
    Ok(body.replacen(&open, &format!("{opened}{{{common}"), 1))
}

/// `sat:ping` of `package sat:ping@0.1.0;`.
fn package_name(header: &str) -> &str {
    let name = header.trim_start_matches("package ").trim();
    name.split(['@', ';']).next().unwrap_or(name)
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
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split("//").next().unwrap_or("").split_whitespace())
}
