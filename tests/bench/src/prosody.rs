//! A Prosody with its data in memory.

use crate::{Result, child::Program, files::memory_folder};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const MODULES: &str = r#""saslauth","roster","disco","ping","smacks","carbons","mam","presence","message","iq","pep","blocklist","version","time""#;

/// The password of every account.
pub(crate) const PASSWORD: &str = "secret";

/// A running server.
pub(crate) struct Prosody {
    /// Where it listens on 127.0.0.1.
    pub(crate) port: u16,
    _program: Program,
    _folder: TempDir,
}

impl Prosody {
    /// Starts one with these accounts of `localhost`.
    pub(crate) fn start(accounts: &[String]) -> Result<Self> {
        let folder = memory_folder()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let data = folder.path().join("data/localhost/accounts");
        fs::create_dir_all(&data)?;
        for name in accounts {
            let text = format!("return {{ [\"password\"] = \"{PASSWORD}\" }};\n");
            fs::write(data.join(format!("{name}.dat")), text)?;
        }
        let file = folder.path().join("prosody.cfg.lua");
        fs::write(&file, config(folder.path(), port))?;
        let name = file.to_string_lossy();
        let program = Program::start(Path::new("prosody"), &["--config", &name, "-F"])?;
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if start.elapsed() > Duration::from_secs(20) {
                return Err("Prosody doesn't listen".into());
            }
            sleep(Duration::from_millis(20));
        }
        Ok(Self {
            port,
            _program: program,
            _folder: folder,
        })
    }
}

fn config(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "run_as_root = true\npidfile = \"{folder}/pid\"\ndata_path = \"{folder}/data\"\n\
         plugin_paths = {{}}\ninterfaces = {{ \"127.0.0.1\" }}\nc2s_ports = {{ {port} }}\n\
         s2s_ports = {{}}\nmodules_enabled = {{ {MODULES} }}\nmodules_disabled = {{ \"s2s\", \"tls\" }}\n\
         allow_unencrypted_plain_auth = true\nc2s_require_encryption = false\n\
         authentication = \"internal_plain\"\ndefault_storage = \"internal\"\n\
         storage = {{ archive = \"memory\" }}\nlog = {{ error = \"{folder}/log\" }}\n\
         VirtualHost \"localhost\"\n"
    )
}
