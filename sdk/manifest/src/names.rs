//! Names: from WIT interfaces and functions to JSON-RPC methods and event topics, and which of
//! them a plugin may use.

/// Version of `sat:host` and `sat:plugin` in this SDK and in the backend beside it.
pub const CONTRACT: &str = "0.1.0";

/// The packages of WASI 0.2 that Rust's `std` imports; the backend links them without any rights.
pub const WASI: [&str; 5] = ["io", "cli", "clocks", "random", "filesystem"];

/// Parameters of methods that the bridge keeps for itself.
pub const RESERVED_PARAMETERS: [&str; 2] = ["profile", "idempotency-key"];

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

    /// Why an interface of `sat:host` or `sat:plugin` doesn't fit [`CONTRACT`], and which side is
    /// to be updated. Until 1.0 a new second number means other types.
    pub fn other_contract(&self) -> Option<String> {
        let line = |version: &str| {
            let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
            let major = numbers.next().unwrap_or(0);
            (major, numbers.next().filter(|_| major == 0))
        };
        let (theirs, ours) = (line(self.version), line(CONTRACT));
        if self.namespace != "sat" || !self.is_hosts() || theirs == ours {
            return None;
        }
        let full = format!("{}@{}", self.unversioned(), self.version);
        Some(if theirs > ours {
            format!(
                "`{full}` is newer than the contract of this SàT, {CONTRACT}: update SàT, or build the \
                 plugin with the SDK of this version"
            )
        } else {
            format!(
                "`{full}` is older than the contract of this SàT, {CONTRACT}: build the plugin again with \
                 its SDK"
            )
        })
    }

    /// Whether it is a part of WASI that plugins don't have.
    pub fn refused_wasi(&self) -> Option<String> {
        let allowed = WASI.contains(&self.package) && self.version.starts_with("0.2.");
        (self.namespace == "wasi" && !allowed).then(|| {
            format!(
                "Import `{}@{}`: plugins have no such part of WASI, only {} of 0.2, and those without \
                 files and sockets. Use the interfaces of sat:host instead, and look which of the \
                 crates that you link wants it",
                self.unversioned(),
                self.version,
                WASI.join(", ")
            )
        })
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

    #[test]
    fn versions_of_the_contract() {
        for (name, refused) in [
            ("sat:host/xmpp@0.1.0", false),
            ("sat:host/xmpp@0.1.7", false),
            ("sat:host/xmpp@0.2.0", true),
            ("sat:plugin/iq-handler@1.0.0", true),
            ("sat:host/xmpp", true),
            ("sat:ping/ping@0.2.0", false),
            ("wasi:io/poll@0.2.6", false),
        ] {
            let interface = Interface::parse(name).unwrap();
            assert_eq!(interface.other_contract().is_some(), refused, "{name}");
        }
    }

    #[test]
    fn parts_of_wasi() {
        for (name, refused) in [
            ("wasi:io/poll@0.2.6", false),
            ("wasi:sockets/tcp@0.2.6", true),
            ("wasi:io/poll@0.3.0", true),
            ("sat:io/io@0.1.0", false),
        ] {
            let interface = Interface::parse(name).unwrap();
            assert_eq!(interface.refused_wasi().is_some(), refused, "{name}");
        }
    }
}
