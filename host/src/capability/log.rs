//! `sat:host/log`: the plugin's log.

use crate::plugin::{
    bindings::sat::host::log::{self, Level},
    instance::Ctx,
};

impl log::Host for Ctx {
    fn write(&mut self, level: Level, message: String) {
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        self.profile.log(self.plugin.id(), level, &message);
    }
}
