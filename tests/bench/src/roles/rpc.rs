//! A bridge that has nothing behind it: jsonrpsee as it comes, with one empty method.

use super::commands;
use crate::Result;
use jsonrpsee::{
    RpcModule,
    server::{ServerBuilder, serve, stop_channel},
};
use std::path::Path;
use tokio::net::UnixListener;

pub(super) async fn native(socket: &Path) -> Result<()> {
    let mut module = RpcModule::new(());
    module.register_async_method("bench.noop.nothing", |_, _, _| async {
        Ok::<_, jsonrpsee::types::ErrorObjectOwned>(())
    })?;
    let (stop, _stopper) = stop_channel();
    let service = ServerBuilder::default()
        .to_service_builder()
        .build(module, stop);
    let listener = UnixListener::bind(socket)?;
    let mut commands = commands();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let service = service.clone();
                tokio::spawn(async move { serve(accepted?.0, service).await });
            }
            line = commands.recv() => if line.is_none() { return Ok(()) },
        }
    }
}
