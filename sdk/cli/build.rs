//! Embeds what `sat-plugin new` needs, so that the program works alone: the SDK's sources and the
//! templates. Folders are walked, so that a new file is embedded without being listed anywhere.

use sha2::{Digest, Sha256};
use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// What of `sdk/` a plugin doesn't link.
const NOT_LINKED: [&str; 7] = [
    "cli",
    "examples",
    "python",
    "target",
    "templates",
    "testkit",
    "testserver",
];

fn main() -> Result<(), Box<dyn Error>> {
    let sdk = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let sdk = sdk.canonicalize()?;
    let mut sources = Vec::new();
    for entry in sorted(&sdk)? {
        let name = name(&entry)?;
        if !NOT_LINKED.contains(&name.as_str()) && !name.starts_with('.') {
            walk(&entry, &name, &mut sources)?;
        }
    }
    let mut templates = Vec::new();
    walk(&sdk.join("templates"), "", &mut templates)?;

    let mut hash = Sha256::new();
    for (name, file) in &sources {
        hash.update(name);
        hash.update([0]);
        hash.update(fs::read(file)?);
        hash.update([0]);
    }
    let hash: String = hash
        .finalize()
        .iter()
        .take(6)
        .fold(String::new(), |mut s, b| {
            write!(s, "{b:02x}").ok();
            s
        });
    let out = format!(
        "/// First digits of the SHA-256 of [`SDK`].\npub(crate) const SDK_HASH: &str = {hash:?};\n{}{}",
        list("SDK", "Path below the SDK's folder, and content.", &sources),
        list(
            "TEMPLATES",
            "Path below `sdk/templates`, and content.",
            &templates
        ),
    );
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("embedded.rs"), out)?;
    // Of folders too: cargo then looks at everything in them.
    println!("cargo::rerun-if-changed={}", sdk.display());
    println!(
        "cargo::rerun-if-changed={}",
        sdk.join("wit").canonicalize()?.display()
    );
    Ok(())
}

/// All files below a folder, with their paths; links are followed, `sdk/wit` is one.
fn walk(
    path: &Path,
    name_of: &str,
    found: &mut Vec<(String, PathBuf)>,
) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        found.push((name_of.to_owned(), path.canonicalize()?));
        return Ok(());
    }
    for entry in sorted(path)? {
        let name = name(&entry)?;
        // What building leaves in a folder is no source.
        if name == "target" {
            continue;
        }
        let below = if name_of.is_empty() {
            name
        } else {
            format!("{name_of}/{name}")
        };
        walk(&entry, &below, found)?;
    }
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<Result<Vec<_>, std::io::Error>>()?;
    entries.sort();
    Ok(entries)
}

fn name(path: &Path) -> Result<String, Box<dyn Error>> {
    let name = path.file_name().and_then(|n| n.to_str());
    Ok(name.ok_or("a file's name isn't UTF-8")?.to_owned())
}

fn list(name: &str, doc: &str, files: &[(String, PathBuf)]) -> String {
    let mut out = format!("/// {doc}\npub(crate) const {name}: &[(&str, &[u8])] = &[\n");
    for (name, file) in files {
        writeln!(
            out,
            "    ({name:?}, include_bytes!({:?})),",
            file.display().to_string()
        )
        .ok();
    }
    out + "];\n"
}
