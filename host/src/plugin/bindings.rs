//! Typed bindings of the contract in `wit/`: what plugins import and the hooks that they export.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::all
)]

wasmtime::component::bindgen!({
    path: ["../wit/host", "../wit/plugin"],
    inline: "
        package sat:backend;
        world contract {
            include sat:plugin/imports@0.1.0;
            export sat:plugin/lifecycle@0.1.0;
            export sat:plugin/iq-handler@0.1.0;
            export sat:plugin/message-handler@0.1.0;
            export sat:plugin/presence-handler@0.1.0;
            export sat:plugin/presence-filter@0.1.0;
            export sat:plugin/unwrap-filter@0.1.0;
            export sat:plugin/decrypt-filter@0.1.0;
            export sat:plugin/amend-filter@0.1.0;
            export sat:plugin/compose-filter@0.1.0;
            export sat:plugin/seal-filter@0.1.0;
            export sat:plugin/outbox-handler@0.1.0;
            export sat:plugin/timer-handler@0.1.0;
        }
    ",
    world: "sat:backend/contract",
});
