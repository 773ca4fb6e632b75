//! Values of options: expansion of `~` and `$VAR`, and the types that the table uses.

use super::Denied;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Component, Path, PathBuf},
};

/// What values may refer to. Tests make their own.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// The home directory.
    pub home: Option<PathBuf>,
    /// Where the program is installed: the folder above its own.
    pub prefix: Option<PathBuf>,
    /// The working directory.
    pub current_dir: Option<PathBuf>,
}

impl Environment {
    /// That of this process. Variables that aren't UTF-8 are left out.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let prefix = std::env::current_exe().ok();
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            home: std::env::home_dir().filter(|home| home.is_absolute()),
            prefix: prefix.and_then(|exe| Some(exe.parent()?.parent()?.to_owned())),
            current_dir: std::env::current_dir().ok(),
        }
    }

    /// A folder of the XDG base directory specification, which ignores relative ones.
    pub(super) fn xdg(&self, variable: &str) -> Option<PathBuf> {
        self.variables
            .get(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }

    /// `XDG_CONFIG_HOME` or its default.
    pub(super) fn config_home(&self) -> Option<PathBuf> {
        let default = || self.home.as_ref().map(|home| home.join(".config"));
        self.xdg("XDG_CONFIG_HOME").or_else(default)
    }

    fn home(&self) -> Result<String, String> {
        let home = self
            .home
            .as_ref()
            .ok_or("There is no home directory: set HOME")?;
        Ok(home.to_string_lossy().into_owned())
    }
}

/// The text that an option was given, and what is needed to understand it.
#[derive(Debug)]
pub(super) struct Given<'a> {
    pub(super) text: &'a str,
    /// The folder of the file, which relative paths start from.
    pub(super) base: Option<&'a Path>,
    pub(super) environment: &'a Environment,
    /// What `${local_dir}` stands for; empty while it is being set itself.
    pub(super) local_dir: &'a Path,
}

impl Given<'_> {
    /// The one of the words that was given.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, String> {
        let given = self.text.to_ascii_lowercase();
        match words.iter().find(|(word, _)| *word == given) {
            Some((_, value)) => Ok(*value),
            None => {
                let allowed: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                Err(format!("{:?} is none of {}", self.text, allowed.join(", ")))
            }
        }
    }

    /// A whole number, 0 or more.
    pub(super) fn number(&self) -> Result<u32, String> {
        self.text
            .parse()
            .map_err(|_| format!("{:?} is no whole number from 0 to {}", self.text, u32::MAX))
    }

    /// One path, absolute.
    pub(super) fn path(&self) -> Result<PathBuf, String> {
        if self.text.contains('\n') {
            let hint = "an indented line goes on with the option above it";
            return Err(format!("Takes one path, on one line ({hint})"));
        }
        if self.text.is_empty() {
            return Err("Takes a path; to get the default, remove the line".into());
        }
        self.resolve(self.text)
    }

    /// A path, or nothing when the text is empty or names an unset variable in a default.
    pub(super) fn optional_path(&self) -> Result<Option<PathBuf>, String> {
        let unset = |name: &str| !self.environment.variables.contains_key(name);
        if self.text.is_empty()
            || self.base.is_none() && self.text.strip_prefix('$').is_some_and(unset)
        {
            return Ok(None);
        }
        self.path().map(Some)
    }

    /// Paths between commas or line ends, each once.
    pub(super) fn paths(&self) -> Result<Vec<PathBuf>, String> {
        let mut paths = Vec::new();
        for text in self
            .text
            .split([',', '\n'])
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            let path = self.resolve(text)?;
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err("Takes one path at least".into());
        }
        Ok(paths)
    }

    /// Permissions between commas or line ends, each as `plugin:permission`.
    pub(super) fn permissions(&self) -> Result<Vec<Denied>, String> {
        let texts = self.text.split([',', '\n']).map(str::trim);
        texts
            .filter(|text| !text.is_empty())
            .map(|text| match text.split_once(':') {
                Some((plugin, permission)) if !plugin.is_empty() && !permission.is_empty() => {
                    Ok(Denied {
                        plugin: plugin.into(),
                        permission: permission.into(),
                    })
                }
                _ => Err(format!(
                    "{text:?} is no plugin:permission, such as link-preview:http"
                )),
            })
            .collect()
    }

    /// A loopback address with its port, or nothing.
    pub(super) fn loopback(&self) -> Result<Option<SocketAddr>, String> {
        if self.text.is_empty() {
            return Ok(None);
        }
        let local = self
            .text
            .strip_prefix("localhost:")
            .and_then(|port| port.parse().ok());
        let address = local
            .map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .or_else(|| self.text.parse().ok())
            .ok_or_else(|| {
                let allowed = "host:port, such as 127.0.0.1:7500 or [::1]:7500";
                format!("{:?} isn't {allowed}", self.text)
            })?;
        if address.ip().is_loopback() {
            return Ok(Some(address));
        }
        // The token would cross the network in the clear.
        Err(format!(
            "{} can be reached from other machines; allowed are 127.0.0.0/8, [::1] and localhost",
            address.ip()
        ))
    }

    fn resolve(&self, text: &str) -> Result<PathBuf, String> {
        let path = PathBuf::from(self.expand(text)?);
        let base = self.base.filter(|base| base.is_absolute());
        let path = match base.or(self.environment.current_dir.as_deref()) {
            Some(base) => base.join(path),
            None => path,
        };
        Ok(path
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect())
    }

    /// Replaces a leading `~`, `$NAME` and `${NAME}`; `$$` is a dollar sign.
    fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        if let Some(after) = text.strip_prefix('~') {
            if !after.is_empty() && !after.starts_with('/') {
                return Err(format!(
                    "{text:?}: only ~/ is understood, not other people's homes"
                ));
            }
            out.push_str(&self.environment.home()?);
            rest = after;
        }
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let (name, after) = match after.strip_prefix('{') {
                Some(after) => after
                    .split_once('}')
                    .ok_or_else(|| format!("{text:?}: a }} is missing"))?,
                None => {
                    let end = after.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
                    after.split_at(end.unwrap_or(after.len()))
                }
            };
            if name.is_empty() {
                return Err(format!(
                    "{text:?}: a name must follow $ (write $$ for the sign)"
                ));
            }
            out.push_str(&self.variable(name)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn variable(&self, name: &str) -> Result<String, String> {
        let environment = self.environment;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let set = || environment.variables.get(name).cloned();
        match name {
            "local_dir" | "runtime_dir" if self.local_dir.as_os_str().is_empty() => {
                Err(format!("${{{name}}} can't be used in local_dir itself"))
            }
            "local_dir" => Ok(path(self.local_dir)),
            "runtime_dir" => Ok(match environment.xdg("XDG_RUNTIME_DIR") {
                Some(runtime) => path(&runtime.join("sat")),
                None => path(&self.local_dir.join("run")),
            }),
            "prefix" => environment.prefix.as_deref().map(path).ok_or_else(|| {
                "${prefix} isn't known: the program's own path can't be read".into()
            }),
            "XDG_CONFIG_HOME" => environment
                .config_home()
                .as_deref()
                .map(path)
                .map_or_else(|| environment.home(), Ok),
            "XDG_DATA_HOME" => match environment.xdg(name) {
                Some(folder) => Ok(path(&folder)),
                None => Ok(environment.home()? + "/.local/share"),
            },
            _ => set().ok_or_else(|| format!("The variable {name} isn't set")),
        }
    }
}
