//! The bindings where there is no host: the types of the real ones, and functions that reach the
//! mock. So the code of a plugin is the same in its component and in its tests.
//!
//! Without the feature `mock` the functions panic with a sentence that names it.

pub use crate::generated::*;

/// What the `plugin!` macro tells of a plugin, from its manifest.
pub trait Plugin {
    /// Its id.
    const ID: &'static str;
    /// The permissions that it names.
    const PERMISSIONS: &'static [&'static str];
    /// Its settings, and their defaults as JSON.
    const SETTINGS: &'static [(&'static str, &'static str)];
    /// Its static disco features.
    const FEATURES: &'static [&'static str];
}

/// A function that reaches the host: what the mock says, after a moment in which other calls may
/// run, as with the host.
macro_rules! reach {
    (async $interface:ident $name:ident($($arg:ident),*)) => {{
        #[cfg(feature = "mock")]
        {
            crate::mock::turn().await;
            crate::mock::host::$interface::$name($($arg),*)
        }
        #[cfg(not(feature = "mock"))]
        {
            let _ = ($($arg,)*);
            crate::native::missing(concat!(stringify!($interface), "::", stringify!($name)))
        }
    }};
    ($interface:ident $name:ident($($arg:ident),*)) => {{
        #[cfg(feature = "mock")]
        { crate::mock::host::$interface::$name($($arg),*) }
        #[cfg(not(feature = "mock"))]
        {
            let _ = ($($arg,)*);
            crate::native::missing(concat!(stringify!($interface), "::", stringify!($name)))
        }
    }};
}

/// An interface of the host: those functions that are `async` first, then the others.
macro_rules! interface {
    ($interface:ident
        async { $($name:ident($($arg:ident: $ty:ty),*) -> $result:ty;)* }
        { $($now:ident($($now_arg:ident: $now_ty:ty),*) -> $now_result:ty;)* }
    ) => {
        pub mod $interface {
            pub use crate::generated::sat::host::$interface::*;
            $(pub async fn $name($($arg: $ty),*) -> $result {
                reach!(async $interface $name($($arg),*))
            })*
            $(pub fn $now($($now_arg: $now_ty),*) -> $now_result {
                reach!($interface $now($($now_arg),*))
            })*
        }
    };
}

#[allow(missing_docs, clippy::all)]
pub mod sat {
    pub use crate::generated::sat::*;

    pub mod host {
        pub use crate::generated::sat::host::*;

        interface!(xmpp async {
            send(request: Outgoing) -> Result<String, Error>;
            iq(request: IqRequest) -> Result<String, Error>;
        } {
            account() -> String;
            bound() -> Option<String>;
            stream_features() -> Option<String>;
        });
        interface!(deliver async {
            deliver(messages: Vec<Forwarded>) -> Result<(), Error>;
        } {});
        interface!(features async {
            set(features: Vec<String>) -> Result<(), Error>;
        } {
            all() -> FeatureSet;
        });
        interface!(peers async {
            claim(claims: Vec<Peer>) -> Result<(), Error>;
            release(jids: Vec<String>) -> Result<(), Error>;
        } {});
        interface!(storage async {
            commit(request: Transaction) -> Result<Committed, Error>;
            query(request: Statement) -> Result<Rows, Error>;
            get(key: String) -> Result<Option<Vec<u8>>, Error>;
            set(key: String, value: Vec<u8>) -> Result<(), Error>;
            delete(key: String) -> Result<bool, Error>;
            keys(prefix: String, after: Option<String>, limit: u32) -> Result<Vec<String>, Error>;
        } {});
        interface!(secrets async {
            get(name: String) -> Result<Option<Vec<u8>>, Error>;
            set(name: String, value: Vec<u8>) -> Result<(), Error>;
            delete(name: String) -> Result<bool, Error>;
        } {});
        interface!(timers async {
            set(timer: Timer) -> Result<(), Error>;
            cancel(name: String) -> Result<bool, Error>;
            list(after: Option<String>, limit: u32) -> Result<Vec<Timer>, Error>;
        } {});
        interface!(http async {
            fetch(request: Request) -> Result<Response, Error>;
        } {});
        interface!(settings async {} {
            get(name: &str) -> Option<Json>;
        });

        /// Lines go to the mock where there is one, else to standard error: pure functions log
        /// in tests that need no host.
        pub mod log {
            pub use crate::generated::sat::host::log::*;
            pub fn write(level: Level, message: &str) {
                #[cfg(feature = "mock")]
                if crate::mock::host::log(level, message) {
                    return;
                }
                eprintln!("{level:?}: {message}");
            }
        }
    }
}

/// An event that the plugin emits. `plugin!` makes its callers.
pub async fn emit<T: Clone + 'static>(topic: &'static str, event: T) {
    #[cfg(feature = "mock")]
    {
        crate::mock::turn().await;
        crate::mock::host::emit(topic, event);
    }
    #[cfg(not(feature = "mock"))]
    {
        let _ = event;
        missing(topic)
    }
}

/// A function of another plugin. `plugin!` makes its callers.
pub async fn call<A: 'static, R: 'static>(
    method: &'static str,
    arguments: A,
) -> Result<R, crate::Error> {
    #[cfg(feature = "mock")]
    {
        crate::mock::turn().await;
        crate::mock::host::call(method, arguments)
    }
    #[cfg(not(feature = "mock"))]
    {
        let _ = arguments;
        missing(method)
    }
}

/// Which of the hosts that this process has seen the thread has now. A plugin has one for all of
/// its life; in tests what is remembered of one must not be believed of the next.
pub fn instance() -> u64 {
    #[cfg(feature = "mock")]
    return crate::mock::host::instance();
    #[cfg(not(feature = "mock"))]
    1
}

/// The time that a test has set, in milliseconds since 1970.
pub fn now_ms() -> Option<i64> {
    #[cfg(feature = "mock")]
    return crate::mock::host::now_ms();
    #[cfg(not(feature = "mock"))]
    None
}

#[cfg(not(feature = "mock"))]
#[track_caller]
fn missing(what: &str) -> ! {
    panic!(
        "{what} needs the host, which is not there outside of wasm: write `sat-sdk = {{ …, \
         features = [\"mock\"] }}` into [dev-dependencies], and make a `sat_sdk::mock::Host`"
    )
}
