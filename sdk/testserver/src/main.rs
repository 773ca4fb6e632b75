//! The test server as a program: for `make demo`, and for clients in other languages.

use clap::Parser;
use sat_testserver::{Options, Server};
use std::{net::SocketAddr, process::ExitCode};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// An XMPP server for tests: everything in memory, on loopback only.
///
/// Prints its ports as one line of JSON when it is ready, and serves until SIGTERM or the end of
/// its standard input.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Address for clients; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address for components (XEP-0114).
    #[arg(long)]
    components: Option<SocketAddr>,
    /// Address for uploads (XEP-0363); without it slots can be had, but no files.
    #[arg(long)]
    http: Option<SocketAddr>,
    #[arg(long, default_value = "localhost")]
    domain: String,
    /// An account, as name:password; may be given many times.
    #[arg(long, value_name = "NAME:PASSWORD", value_parser = pair)]
    account: Vec<(String, String)>,
    /// A component that may connect, as domain:secret; may be given many times.
    #[arg(long, value_name = "DOMAIN:SECRET", value_parser = pair)]
    component: Vec<(String, String)>,
    /// Two accounts that are contacts of each other, as one:other; may be given many times.
    #[arg(long, value_name = "ONE:OTHER", value_parser = pair)]
    friends: Vec<(String, String)>,
    /// A XEP to switch off, as four digits; may be given many times.
    #[arg(long, value_name = "XEP")]
    without: Vec<String>,
    /// Ids and nonces are made from this number.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((one, other)) if !one.is_empty() => Ok((one.to_owned(), other.to_owned())),
        _ => Err("two words with a colon between them are needed".to_owned()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sat-testserver: {error}.");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> std::io::Result<()> {
    let mut options = Options::new(&args.domain).seed(args.seed);
    for (name, password) in &args.account {
        options = options.account(name, password);
    }
    for (domain, secret) in &args.component {
        options = options.component(domain, secret);
    }
    for xep in &args.without {
        options = options.without(xep);
    }
    let server = Server::new(options);
    for (one, other) in &args.friends {
        server.befriend(one, other);
    }
    let mut ports = serde_json::Map::new();
    let clients = server.listen(TcpListener::bind(args.listen).await?)?;
    ports.insert("clients".to_owned(), clients.port().into());
    if let Some(address) = args.components {
        let address = server.listen_components(TcpListener::bind(address).await?)?;
        ports.insert("components".to_owned(), address.port().into());
    }
    if let Some(address) = args.http {
        let address = server.listen_http(TcpListener::bind(address).await?)?;
        ports.insert("http".to_owned(), address.port().into());
    }
    println!("{}", serde_json::Value::Object(ports));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = end_of_input() => {}
    }
    server.stop();
    Ok(())
}

/// Waits in a thread of its own, which doesn't keep the program from ending.
async fn end_of_input() {
    let (done, end) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = done.send(());
    });
    let _ = end.await;
}
