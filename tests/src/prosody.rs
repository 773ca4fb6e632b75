//! A Prosody of its own for each test.

use crate::wait;
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// What kind of server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Accounts of `localhost`; the password is the name and `-secret`.
    pub accounts: Vec<String>,
    /// Whether clients must use TLS.
    pub tls: bool,
    /// Modules that it goes without.
    pub without: Vec<String>,
    /// Further lines of its configuration.
    pub config: String,
}

impl Default for Server {
    fn default() -> Self {
        let accounts = ["romeo", "juliet", "mallory"].map(str::to_owned).to_vec();
        Self { accounts, tls: false, without: Vec::new(), config: String::new() }
    }
}

const MODULES: [&str; 15] = [
    "saslauth", "roster", "disco", "ping", "smacks", "carbons", "mam", "presence", "message", "iq", "pep",
    "blocklist", "version", "time", "offline",
];

/// A running Prosody; dropping it ends it.
pub struct Prosody {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

/// The XMPP password of an account.
pub fn password(account: &str) -> String {
    format!("{account}-secret")
}

impl Prosody {
    /// With the usual accounts, without TLS.
    pub fn plain() -> Self {
        Self::start(Server::default())
    }

    /// Starts it and waits until it listens.
    pub fn start(server: Server) -> Self {
        let folder = tempfile::Builder::new().prefix("sat-prosody-").tempdir().expect("a folder");
        let port = free_port();
        fs::write(folder.path().join("prosody.cfg.lua"), config(folder.path(), port, &server)).expect("writable");
        if server.tls {
            certificate(folder.path());
        }
        let mut prosody = Self { folder, port, process: None };
        server.accounts.iter().for_each(|a| prosody.account(a));
        prosody.run();
        prosody
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate that it shows, where it has TLS.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Adds an account of `localhost`.
    pub fn account(&self, name: &str) {
        let folder = self.folder.path().join("data/localhost/accounts");
        fs::create_dir_all(&folder).expect("writable");
        let text = format!("return {{ [\"password\"] = \"{}\" }};\n", password(name));
        fs::write(folder.join(format!("{name}.dat")), text).expect("writable");
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// As a crash or a power cut ends it.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }

    /// Ends it properly, and starts it again.
    pub fn restart(&mut self) {
        if let Some(mut process) = self.process.take() {
            let id = rustix::process::Pid::from_child(&process);
            rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
            process.wait().ok();
        }
        self.run();
    }

    /// Starts it, with the data that it has, and waits until it listens.
    pub fn run(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"));
        let log = log.expect("writable");
        let process = Command::new("prosody")
            .arg("--config")
            .arg(self.folder.path().join("prosody.cfg.lua"))
            .arg("-F")
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("a second handle"))
            .stdout(log)
            .spawn()
            .expect("prosody can be started: `make setup` installs it");
        self.process = Some(process);
        wait::until_now("Prosody listens", || {
            let ended = self.process.as_mut().is_some_and(|p| matches!(p.try_wait(), Ok(Some(_))));
            assert!(!ended, "Prosody ended: {}", self.log());
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- Prosody said:\n{}", self.log());
        }
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

fn config(folder: &Path, port: u16, server: &Server) -> String {
    let folder = folder.display();
    let (mut off, tls) = (vec!["s2s"], server.tls);
    if !tls {
        off.push("tls");
    }
    let list = |names: &[&str]| names.iter().map(|n| format!("{n:?}")).collect::<Vec<_>>().join(",");
    let mut on: Vec<&str> = MODULES.into_iter().filter(|m| !server.without.iter().any(|w| w == m)).collect();
    let tls_lines = if tls {
        on.push("tls");
        format!("ssl = {{ certificate = \"{folder}/cert.pem\", key = \"{folder}/key.pem\" }}\n")
    } else {
        "allow_unencrypted_plain_auth = true\n".into()
    };
    format!(
        "run_as_root = true\npidfile = \"{folder}/pid\"\ndata_path = \"{folder}/data\"\nplugin_paths = {{}}\n\
         interfaces = {{ \"127.0.0.1\" }}\nc2s_ports = {{ {port} }}\ns2s_ports = {{}}\n\
         modules_enabled = {{ {} }}\nmodules_disabled = {{ {} }}\n{tls_lines}\
         c2s_require_encryption = {tls}\nauthentication = \"internal_plain\"\nstorage = \"internal\"\n\
         log = {{ warn = \"*console\" }}\n{}\nVirtualHost \"localhost\"\n",
        list(&on),
        list(&off),
        server.config
    )
}

/// A self-signed certificate for `localhost`.
fn certificate(folder: &Path) {
    let run = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .output()
        .expect("openssl can be started");
    assert!(run.status.success(), "openssl: {}", String::from_utf8_lossy(&run.stderr));
}
