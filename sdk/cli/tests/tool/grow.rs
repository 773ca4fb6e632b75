//! `check --against`: what others can't build on any more.

use crate::kit::Kit;

#[test]
fn what_is_released_does_not_change() {
    let kit = Kit::with("grower", "feature");
    let (wit, code) = ("grower/wit/grower.wit", "grower/src/lib.rs");
    kit.edit(
        wit,
        "  /// A note.",
        "  /// How it is.
           enum mood { calm, wild }
           /// Some of it.
           flags parts { text, at }
           /// One or the other.
           variant either { one(string), other }
           /// What an `extra` may hold.
           record summary { words: u32 }
           /// A note.",
    );
    kit.edit(
        wit,
        "  /// Keeps a note",
        "  /// How things are.
           how: async func(of: parts) -> result<mood, error>;
           /// What it is.
           which: async func() -> result<either, error>;
           /// Goes away.
           leave: async func() -> result<_, error>;
           /// Keeps a note",
    );
    kit.edit(
        wit,
        "  use types.{note};\n\n  /// How",
        "  use types.{note, mood, parts, either};\n\n  /// How",
    );
    kit.edit(
        code,
        "    async fn add(",
        "    async fn how(_: Parts) -> Result<Mood, Error> { Ok(Mood::Calm) }
             async fn which() -> Result<Either, Error> { Ok(Either::Other) }
             async fn leave() -> Result<(), Error> { Ok(()) }
             async fn add(",
    );
    kit.edit(code, "types::Note}", "types::{Note, Mood, Parts, Either}}");
    kit.run(&["build", "grower"]).ends(0);
    kit.keep("grower", "old.wasm");
    kit.run(&["check", "grower", "--against", "old.wasm"])
        .ends(0)
        .has("warning: The version is 0.1.0, and 0.1.0 was released already: choose a higher one")
        .lacks("was changed");

    // What may grow: functions, events, types.
    kit.edit(
        "grower/plugin.toml",
        "version = \"0.1.0\"",
        "version = \"0.2.0\"",
    );
    kit.edit(
        "grower/Cargo.toml",
        "version = \"0.1.0\"",
        "version = \"0.2.0\"",
    );
    kit.edit(
        wit,
        "  /// Keeps a note",
        "  /// New.\n  more: async func() -> result<_, error>;\n  /// Keeps a note",
    );
    kit.edit(
        wit,
        "  /// A note was kept",
        "  /// New.\n  lost: async func(e: note);\n  /// A note was kept",
    );
    kit.edit(
        code,
        "    async fn add(",
        "    async fn more() -> Result<(), Error> { Ok(()) }\n    async fn add(",
    );
    kit.run(&["build", "grower"]).ends(0);
    kit.run(&["check", "grower", "--against", "old.wasm"])
        .ends(0)
        .lacks("warning")
        .has(": good, ");

    // What may not.
    kit.edit(
        wit,
        "enum mood { calm, wild }",
        "enum mood { calm, wild, odd }",
    );
    kit.edit(wit, "flags parts { text, at }", "flags parts { text }");
    kit.edit(
        wit,
        "variant either { one(string), other }",
        "variant either { one(u32), other }",
    );
    kit.edit(
        wit,
        "record summary { words: u32 }",
        "record summary { words: u32, letters: u32 }",
    );
    kit.edit(
        wit,
        "  /// Goes away.\n           leave: async func() -> result<_, error>;\n",
        "",
    );
    kit.edit(
        code,
        "             async fn leave() -> Result<(), Error> { Ok(()) }\n",
        "",
    );
    kit.edit(
        wit,
        "newest: async func(limit: option<u32>)",
        "newest: async func(limit: u32)",
    );
    kit.edit(code, "newest(limit: Option<u32>)", "newest(limit: u32)");
    kit.edit(code, "limit.unwrap_or(20)", "limit");
    kit.edit(
        wit,
        "  /// A note was kept.\n  added: async func(e: note);",
        "",
    );
    kit.edit(
        code,
        "        events::added(note.clone()).await;",
        "        events::lost(note.clone()).await;",
    );
    kit.run(&["build", "grower"]).ends(0);
    let types = "`example:grower/types";
    kit.run(&["check", "grower", "--against", "old.wasm"])
        .ends(17)
        .has(&format!("The enum {types}.mood` was changed: `odd` is new. A released enum never changes"))
        .has("a set that may grow is a string")
        .has(&format!("The flags {types}.parts` was changed: `at` is gone"))
        .has(&format!("The variant {types}.either` was changed: it was `variant {{ one(string), other }}`"))
        .has(&format!("The record {types}.summary` was changed: `letters` is new"))
        .has("Put what is new into its `extra`")
        .has("The function example.grower.leave was removed; what is released stays")
        .has("The function example.grower.newest has another parameter: it was `async func(limit: option<u32>)")
        .has("The event example.grower.added was removed")
        .has("has 7 faults");
}
