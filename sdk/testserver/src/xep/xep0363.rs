//! XEP-0363: HTTP File Upload. Without a listener slots can be had and their content is set and
//! read by the script alone.

mod http;

use super::{xep0004, xep0030};
use crate::{
    ns,
    route::{Place, Request},
    server::Server,
    stanza::{Answer, Fault},
    state::State,
    xml::{Build, el},
};
use minidom::Element;
use std::{collections::BTreeMap, io, net::SocketAddr};
use tokio::net::TcpListener;

#[derive(Default)]
pub(crate) struct Uploads {
    /// Where the listener is.
    address: Option<SocketAddr>,
    /// By the path of their address.
    slots: BTreeMap<String, Slot>,
}

/// Room for one file.
struct Slot {
    size: u64,
    kind: String,
    content: Option<Vec<u8>>,
}

/// Gives out slots.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    let asked = request.is("request", ns::UPLOAD) && request.place == Place::Upload;
    (asked && !request.set).then(|| slot(state, request))
}

fn slot(state: &mut State, request: &Request) -> Answer {
    if state.account_of(&request.from).is_none() {
        return Err(Fault::new("forbidden"));
    }
    let payload = &request.payload;
    let size = payload.attr("size").and_then(|size| size.parse().ok());
    let name = payload.attr("filename").filter(|name| !name.is_empty());
    let (Some(size), Some(name)) = (size, name) else {
        return Err(Fault::new("bad-request"));
    };
    if size == 0 {
        return Err(Fault::new("bad-request"));
    }
    if size > state.options.max_upload {
        return Err(Fault::new("not-acceptable").more("file-too-large", ns::UPLOAD));
    }
    // Characters that need no escaping in an address; the rest is replaced.
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => c,
        _ => '_',
    };
    let name: String = name.chars().map(plain).collect();
    let path = format!("/{}/{name}", state.id(""));
    let base = match state.uploads.address {
        Some(address) => format!("http://{address}"),
        None => format!("https://{}", state.service("upload")),
    };
    let kind = payload.attr("content-type");
    let slot = Slot {
        size,
        kind: kind.unwrap_or("application/octet-stream").to_owned(),
        content: None,
    };
    state.uploads.slots.insert(path.clone(), slot);
    let url = |name: &str| el(name, ns::UPLOAD).with("url", format!("{base}{path}"));
    Ok(Some(
        el("slot", ns::UPLOAD).child(url("put")).child(url("get")),
    ))
}

/// What disco#info says of the service.
pub(crate) fn info(state: &State) -> Vec<Element> {
    let max = state.options.max_upload.to_string();
    let mut all = vec![xep0030::identity("store", "file", Some("Uploads"))];
    all.extend(xep0030::features(&[ns::DISCO_INFO, ns::UPLOAD]));
    let field = xep0004::field("max-file-size", "text-single", &[&max]);
    all.push(xep0004::form("result", ns::UPLOAD).child(field));
    all
}

/// The path of an address that a slot has.
fn path(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.find('/').and_then(|start| rest.get(start..))
}

impl Server {
    /// Serves uploads and downloads over HTTP (not HTTPS) at this listener.
    ///
    /// # Errors
    /// When the listener isn't on loopback.
    pub fn listen_http(&self, listener: TcpListener) -> io::Result<SocketAddr> {
        let address = self.accept(listener, http::serve)?;
        self.lock().uploads.address = Some(address);
        Ok(address)
    }

    /// What was uploaded to this address of a slot.
    pub fn upload(&self, url: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        let slot = state.uploads.slots.get(path(url)?)?;
        slot.content.clone()
    }

    /// Puts a file at this address of a slot, in place of an upload: whether there is such a slot.
    pub fn set_upload(&self, url: &str, content: &[u8]) -> bool {
        let mut state = self.lock();
        let slot = path(url).and_then(|path| state.uploads.slots.get_mut(path));
        match slot {
            Some(slot) => {
                slot.content = Some(content.to_vec());
                true
            }
            None => false,
        }
    }
}
