//! Names: from WIT interfaces and functions to JSON-RPC methods and event topics.

/// Words that can't be the name of a feature or the namespace of a package: the bridge's own
/// prefixes and the names of a feature's other interfaces.
pub const RESERVED: [&str; 9] = [
    "host", "profile", "plugin", "events", "types", "session", "rpc", "token", "blobs",
];

/// An interface's full name, `sat:ping/ping@0.1.0`, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface<'a> {
    /// `sat`.
    pub namespace: &'a str,
    /// The package's name.
    pub package: &'a str,
    /// The interface's name.
    pub name: &'a str,
    /// The package's version, or nothing.
    pub version: &'a str,
}

impl<'a> Interface<'a> {
    /// The parts of a full name; none when it isn't one.
    pub fn parse(full: &'a str) -> Option<Self> {
        let (rest, version) = full.split_once('@').unwrap_or((full, ""));
        let (package, name) = rest.split_once('/')?;
        let (namespace, package) = package.split_once(':')?;
        Some(Self {
            namespace,
            package,
            name,
            version,
        })
    }

    /// `sat:ping/ping`, without the version.
    pub fn unversioned(&self) -> String {
        format!("{}:{}/{}", self.namespace, self.package, self.name)
    }

    /// Whether it is one of the host's (`sat:host`, `sat:plugin`) or WASI's.
    pub fn is_hosts(&self) -> bool {
        self.namespace == "wasi"
            || (self.namespace == "sat" && matches!(self.package, "host" | "plugin"))
    }

    /// The feature's name on the bridge: `ping`; packages of other namespaces keep theirs:
    /// `acme.weather`.
    pub fn feature(&self) -> String {
        let package = snake(self.package);
        if self.namespace == "sat" {
            package
        } else {
            format!("{}.{package}", snake(self.namespace))
        }
    }

    /// Method or topic of a function: `blog.get_items`.
    pub fn method(&self, function: &str) -> String {
        format!("{}.{}", self.feature(), snake(function))
    }

    /// Why the bridge can't offer this feature.
    pub fn refused(&self) -> Option<String> {
        [self.package, self.namespace].into_iter().find(|n| RESERVED.contains(n)).map(|n| {
            format!("`{n}` is reserved and can't be the name of a feature or namespace: choose another")
        })
    }
}

/// `get-items` → `get_items`.
pub fn snake(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let i = Interface::parse("acme:weather-now/weather-now@0.1.0").unwrap();
        assert_eq!(i.method("get-today"), "acme.weather_now.get_today");
        assert_eq!(i.unversioned(), "acme:weather-now/weather-now");
        assert_eq!(
            Interface::parse("sat:blog/events@1.0.0")
                .unwrap()
                .method("published"),
            "blog.published"
        );
        assert!(Interface::parse("wasi:io/poll@0.2.6").unwrap().is_hosts());
        assert!(
            Interface::parse("sat:profile/profile")
                .unwrap()
                .refused()
                .is_some()
        );
        assert_eq!(Interface::parse("plain"), None);
    }
}
