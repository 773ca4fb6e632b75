//! A real Prosody for one test: own folder, own ports, own certificate authority.
//!
//! ```no_run
//! # use sat_tests::prosody::{Options, Prosody};
//! let server = Prosody::start(Options::default());
//! server.add_account("juliet", "secret");
//! // … connect to 127.0.0.1:{server.port}, trusting {server.ca_file}
//! ```

#![expect(
    clippy::expect_used,
    reason = "without its server a test can only fail"
)]

use std::{
    fmt::Write as _,
    fs,
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long Prosody has to start or stop; it takes a third of a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where Prosody keeps message archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// Lost with each restart.
    Memory,
    /// Files, as accounts and rosters are.
    Internal,
}

/// What the server should be like.
#[derive(Debug, Clone)]
pub struct Options {
    /// The domain that it serves.
    pub domain: String,
    /// The name in its certificate, when that isn't the domain.
    pub certificate_name: Option<String>,
    /// How long lost streams can be resumed; `None`: no stream management at all.
    pub hibernation: Option<Duration>,
    /// Where message archives are kept.
    pub archive: Archive,
    /// Whether clients have to use TLS.
    pub require_tls: bool,
    /// Modules besides the usual ones.
    pub modules: Vec<String>,
    /// External components (XEP-0114): name and secret.
    pub components: Vec<(String, String)>,
    /// Lines for the global part of the configuration.
    pub extra: String,
    /// Lines after the virtual host, such as `Component "rooms.localhost" "muc"`.
    pub extra_hosts: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            domain: "localhost".to_owned(),
            certificate_name: None,
            hibernation: Some(Duration::from_secs(60)),
            archive: Archive::Memory,
            require_tls: false,
            modules: Vec::new(),
            components: Vec::new(),
            extra: String::new(),
            extra_hosts: String::new(),
        }
    }
}

/// A running server; ends with its last owner.
#[derive(Debug)]
pub struct Prosody {
    /// Port for clients, with STARTTLS.
    pub port: u16,
    /// Port for clients, TLS from the first byte.
    pub direct_tls_port: u16,
    /// Port for external components.
    pub component_port: u16,
    /// The domain that it serves.
    pub domain: String,
    /// The certificate authority that signed its certificate, PEM.
    pub ca_file: PathBuf,
    folder: TempDir,
    process: Option<Child>,
}

impl Prosody {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// When Prosody or the `openssl` program can't do it: the test can't go on then.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let folder = TempDir::with_prefix("prosody-").expect("no temporary folder");
        let [port, direct_tls_port, component_port] = free_ports();
        let name = options.certificate_name.as_ref().unwrap_or(&options.domain);
        make_certificates(folder.path(), name);
        let mut server = Self {
            port,
            direct_tls_port,
            component_port,
            domain: options.domain.clone(),
            ca_file: folder.path().join("ca.pem"),
            folder,
            process: None,
        };
        let configuration = server.configuration(&options);
        fs::write(server.path("prosody.cfg.lua"), configuration).expect("can't write the config");
        server.launch();
        server
    }

    /// Adds an account, also while the server runs.
    pub fn add_account(&self, user: &str, password: &str) {
        let accounts = self
            .path("data")
            .join(escape(&self.domain))
            .join("accounts");
        fs::create_dir_all(&accounts).expect("can't create the folder of accounts");
        let quoted = password.replace('\\', "\\\\").replace('"', "\\\"");
        let row = format!("return {{ [\"password\"] = \"{quoted}\"; }};\n");
        let file = accounts.join(format!("{}.dat", escape(user)));
        fs::write(file, row).expect("can't write the account");
    }

    /// Ends the server in an orderly way.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let id = process.id().to_string();
        let asked = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("no kill program");
        assert!(asked.success(), "Prosody was gone already:\n{}", self.log());
        let deadline = Instant::now() + PATIENCE;
        while process
            .try_wait()
            .expect("can't wait for Prosody")
            .is_none()
        {
            assert!(
                Instant::now() < deadline,
                "Prosody doesn't stop:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(10));
        }
    }

    /// Ends the server at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Fails only when it has ended by itself, which is what is wanted.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts the server again on the same ports with the same data.
    pub fn restart(&mut self) {
        if self.process.is_some() {
            self.stop();
        }
        self.launch();
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("prosody.log")).unwrap_or_default()
    }

    /// The server's folder, with `data/` and `prosody.log`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn launch(&mut self) {
        let output = fs::File::create(self.path("output.log")).expect("can't create a log");
        let errors = output.try_clone().expect("can't share the log");
        let child = Command::new("prosody")
            .arg("-F")
            .arg("--config")
            .arg(self.path("prosody.cfg.lua"))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .expect("Prosody isn't installed");
        self.process = Some(child);
        let deadline = Instant::now() + PATIENCE;
        for port in [self.port, self.direct_tls_port] {
            while let Err(error) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                let ended = self
                    .process
                    .as_mut()
                    .and_then(|child| child.try_wait().ok().flatten());
                assert!(
                    ended.is_none() && Instant::now() < deadline,
                    "Prosody doesn't start ({error}):\n{}{}",
                    fs::read_to_string(self.path("output.log")).unwrap_or_default(),
                    self.log()
                );
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                sleep(Duration::from_millis(10));
            }
        }
    }

    fn configuration(&self, options: &Options) -> String {
        let folder = self.folder.path().display();
        let mut modules: Vec<&str> = [
            "saslauth",
            "tls",
            "roster",
            "disco",
            "ping",
            "carbons",
            "mam",
            "presence",
            "message",
            "iq",
            "pep",
            "blocklist",
            "offline",
            "posix",
        ]
        .to_vec();
        if options.hibernation.is_some() {
            modules.push("smacks");
        }
        modules.extend(options.modules.iter().map(String::as_str));
        let modules: String = modules.iter().map(|name| format!("\"{name}\"; ")).collect();
        let archive = match options.archive {
            Archive::Memory => "memory",
            Archive::Internal => "internal",
        };
        let Self {
            port,
            direct_tls_port,
            component_port,
            ..
        } = self;
        let mut config = format!(
            r#"run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
log = {{ debug = "{folder}/prosody.log" }}
modules_enabled = {{ {modules} }}
modules_disabled = {{ "s2s"; "s2s_auth_certs" }}
authentication = "internal_plain"
storage = {{ archive = "{archive}" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ {direct_tls_port} }}
component_ports = {{ {component_port} }}
c2s_require_encryption = {require_tls}
smacks_hibernation_time = {hibernation}
c2s_close_timeout = 1
ssl = {{ certificate = "{folder}/server.pem"; key = "{folder}/server.key" }}
c2s_direct_tls_ssl = {{ certificate = "{folder}/server.pem"; key = "{folder}/server.key" }}
{extra}
VirtualHost "{domain}"
{extra_hosts}
"#,
            require_tls = options.require_tls,
            hibernation = options.hibernation.unwrap_or_default().as_secs(),
            extra = options.extra,
            domain = options.domain,
            extra_hosts = options.extra_hosts,
        );
        for (name, secret) in &options.components {
            let _ = write!(
                config,
                "Component \"{name}\"\n  component_secret = \"{secret}\"\n"
            );
        }
        config
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ports that were free a moment ago, all different.
fn free_ports<const N: usize>() -> [u16; N] {
    let bind = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("no free port");
    let listeners = std::array::from_fn::<_, N, _>(bind);
    listeners.map(|listener| listener.local_addr().expect("no port").port())
}

/// An authority and a certificate for `name` that it signed.
fn make_certificates(folder: &Path, name: &str) {
    let subject = format!("/CN={name}");
    let extension = format!("subjectAltName=DNS:{name}");
    fs::write(folder.join("extension"), extension).expect("can't write the extension");
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let mut authority = vec!["req", "-x509", "-days", "30", "-subj", "/CN=Test authority"];
    authority.extend(key);
    authority.extend(["-addext", "basicConstraints=critical,CA:TRUE"]);
    authority.extend(["-keyout", "ca.key", "-out", "ca.pem"]);
    openssl(folder, &authority);
    let mut request = vec!["req", "-new", "-subj", &subject];
    request.extend(key);
    request.extend(["-keyout", "server.key", "-out", "server.csr"]);
    openssl(folder, &request);
    let mut sign = vec![
        "x509",
        "-req",
        "-days",
        "30",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
    ];
    sign.extend([
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "extension",
    ]);
    sign.extend(["-out", "server.pem"]);
    openssl(folder, &sign);
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .output();
    let output = output.expect("the openssl program isn't installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Names of files as Prosody writes them: all but letters and digits as `%xx`.
fn escape(name: &str) -> String {
    let escaped = name.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02x}"),
    });
    escaped.collect()
}
