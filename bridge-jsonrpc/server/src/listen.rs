//! Binding: the Unix socket, loopback TCP and its token file.

use sat_host::{Error, Result, error::kind};
use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

/// A bound Unix socket; its file goes when this does.
pub(crate) struct Socket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Only our own: another backend may have put its socket there.
        if fs::symlink_metadata(&self.path).is_ok_and(|m| m.ino() == self.inode) {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Binds the Unix socket. Refuses when a backend answers there; a dead socket is replaced.
pub(crate) fn unix(path: &Path) -> Result<Socket> {
    let failed = |what: &str, e: io::Error| {
        Error::new(
            kind::STORAGE,
            format!("Cannot {what} {}: {e}", path.display()),
        )
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::new(
            kind::BAD_REQUEST,
            "The bridge's socket needs a folder and a name",
        ));
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| failed("make the folder of", e))?;
    let owner = fs::metadata(folder).map_err(|e| failed("use the folder of", e))?;
    if owner.uid() != rustix::process::geteuid().as_raw() || owner.mode() & 0o022 != 0 {
        let text = format!(
            "The folder of {} must be yours, and nobody else may write there",
            path.display()
        );
        return Err(Error::new(kind::FORBIDDEN, text));
    }
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            return Err(Error::new(
                kind::CONFLICT,
                format!("{} is there and is no socket", path.display()),
            ));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            return Err(Error::new(
                kind::CONFLICT,
                format!("A backend listens at {} already", path.display()),
            ));
        }
        _ => {}
    }
    // Bound in a folder that is closed to others and moved when its mode is right: so there is no
    // moment at which somebody else could connect, and no change of the process's umask.
    let private = folder.join(format!(
        ".{}.{}",
        name.to_string_lossy(),
        std::process::id()
    ));
    fs::remove_dir_all(&private).ok();
    DirBuilder::new()
        .mode(0o700)
        .create(&private)
        .map_err(|e| failed("prepare", e))?;
    let bound = (|| {
        let fresh = private.join("s");
        let listener = UnixListener::bind(&fresh)?;
        fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let inode = fs::symlink_metadata(&fresh)?.ino();
        fs::rename(&fresh, path)?;
        Ok((listener, inode))
    })();
    fs::remove_dir_all(&private).ok();
    let (listener, inode) = bound.map_err(|e| failed("listen at", e))?;
    Ok(Socket {
        listener,
        path: path.to_owned(),
        inode,
    })
}

/// Loopback TCP with the token that opens it.
pub(crate) struct Tcp {
    pub(crate) listener: TcpListener,
    pub(crate) port: u16,
    pub(crate) token: String,
    token_file: PathBuf,
}

impl Drop for Tcp {
    fn drop(&mut self) {
        fs::remove_file(&self.token_file).ok();
    }
}

/// Binds loopback TCP, and writes a fresh token for it.
pub(crate) fn tcp(address: SocketAddr, token_file: &Path) -> Result<Tcp> {
    if !address.ip().is_loopback() {
        let text = format!(
            "The bridge listens on loopback only, and {address} isn't: use ssh to forward it"
        );
        return Err(Error::new(kind::FORBIDDEN, text));
    }
    let bind = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok((listener, port))
    };
    let (listener, port) = bind().map_err(|e: io::Error| {
        Error::new(kind::CONFLICT, format!("Cannot listen at {address}: {e}"))
    })?;
    let token = secret()?;
    write_private(token_file, &token).map_err(|e| {
        Error::new(
            kind::STORAGE,
            format!("Cannot write the token file {}: {e}", token_file.display()),
        )
    })?;
    Ok(Tcp {
        listener,
        port,
        token,
        token_file: token_file.to_owned(),
    })
}

/// 256 random bits in hexadecimal.
pub(crate) fn secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal("Get random bits", e))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// Replaces a file by one that only its owner can read, at no moment otherwise.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    fs::remove_file(&fresh).ok();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(format!("{text}\n").as_bytes())?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_socket_is_kept_and_a_dead_one_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sat/bridge.sock");
        let first = unix(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(
            fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777,
            0o700
        );
        assert!(unix(&path).err().unwrap().is(kind::CONFLICT));
        drop(first);
        assert!(!path.exists());

        drop(UnixListener::bind(&path).unwrap());
        let second = unix(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        drop(second);

        fs::write(&path, "precious").unwrap();
        assert!(unix(&path).err().unwrap().is(kind::CONFLICT));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
        assert!(
            unix(&dir.path().join("s"))
                .err()
                .unwrap()
                .is(kind::FORBIDDEN)
        );
    }

    #[test]
    fn tcp_is_loopback_with_a_private_token() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bridge.token");
        assert!(
            tcp("0.0.0.0:0".parse().unwrap(), &file)
                .err()
                .unwrap()
                .is(kind::FORBIDDEN)
        );
        let bound = tcp("127.0.0.1:0".parse().unwrap(), &file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&file).unwrap().trim(), bound.token);
        assert_eq!(bound.token.len(), 64);
        drop(bound);
        assert!(!file.exists());
    }
}
