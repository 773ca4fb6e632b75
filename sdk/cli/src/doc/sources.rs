//! Reading WIT files with the packages that they refer to.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sat_client::errors::exit;
use wit_parser::{PackageId, PackageName, Resolve, SourceMap, UnresolvedPackageGroup};

use crate::{failure::Failure, sdk};

/// Reads a file, a folder of files, or `wit/` of a plugin's folder. Other packages come from
/// `deps/` beside the files, or from the SDK.
pub(super) fn read(path: &Path) -> Result<(Resolve, PackageId), Failure> {
    let below = path.join("wit");
    let path = if below.is_dir() { &below } else { path };
    let deps = if path.is_dir() {
        path.join("deps")
    } else {
        path.with_file_name("deps")
    };
    let main = parse(&files(path)?)?;
    let mut others = Vec::new();
    let mut known = BTreeSet::from([main.main.name.to_string()]);
    let mut todo = foreign(&main);
    while let Some(name) = todo.pop() {
        if known.insert(name.to_string()) {
            let other = other(&deps, &name)?;
            todo.extend(foreign(&other));
            others.push(other);
        }
    }
    let mut resolve = Resolve::default();
    let package = resolve
        .push_groups(main, others)
        .map_err(|e| Failure::new(exit::DATA, format!("{}: {e:#}", path.display())))?;
    Ok((resolve, package))
}

/// Name and text of each file.
type Texts = Vec<(String, String)>;

fn files(path: &Path) -> Result<Texts, Failure> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(|e| Failure::io(path, &e))?;
        paths = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|p| p.extension().is_some_and(|e| e == "wit"));
        paths.sort();
    }
    if paths.is_empty() {
        let message = format!("{}: there are no .wit files", path.display());
        return Err(Failure::new(exit::NOT_FOUND, message));
    }
    let read = |path: PathBuf| match fs::read_to_string(&path) {
        Ok(text) => Ok((path.display().to_string(), text)),
        Err(e) => Err(Failure::io(&path, &e)),
    };
    paths.into_iter().map(read).collect()
}

fn parse(texts: &Texts) -> Result<UnresolvedPackageGroup, Failure> {
    let mut sources = SourceMap::default();
    for (name, text) in texts {
        sources.push_str(name, text.clone());
    }
    let parsed = sources.parse();
    parsed.map_err(|(sources, e)| Failure::new(exit::DATA, e.render(&sources)))
}

fn foreign(group: &UnresolvedPackageGroup) -> Vec<PackageName> {
    let packages = group.nested.iter().chain([&group.main]);
    let names = packages.flat_map(|p| p.foreign_deps.keys().cloned());
    names.collect()
}

/// A package that is referred to.
fn other(deps: &Path, name: &PackageName) -> Result<UnresolvedPackageGroup, Failure> {
    let folder = deps.join(&name.name);
    if folder.is_dir() {
        return parse(&files(&folder)?);
    }
    let place = format!("wit/{}/", name.name);
    let texts = sdk::texts(&place);
    let texts = texts.filter(|(file, _)| file.ends_with(".wit"));
    let texts: Texts = texts.map(|(n, t)| (n.to_owned(), t.to_owned())).collect();
    if texts.is_empty() {
        let message = format!(
            "Nobody has the package `{name}`: put it into {}",
            folder.display()
        );
        return Err(Failure::new(exit::NOT_FOUND, message));
    }
    parse(&texts)
}
