//! The bytes under a stream: TCP or what was dialled, in TLS or not, with the clipping reader on top.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use minidom::Element;
use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, BufWriter, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;
use tokio_xmpp::xmlstream::XmlStream;

use super::{clip::ClipReader, dial::Duplex};

/// Bytes buffered for reading; one TLS record of a busy stream needs no more than two reads.
const READ_BUFFER: usize = 8 * 1024;
/// Bytes gathered before a write, so that a burst of stanzas becomes few TLS records.
const WRITE_BUFFER: usize = 4 * 1024;

/// A stream of stanzas as trees: no typed parse, since routing looks at names only.
pub(super) type Xml = XmlStream<Io, Element>;

/// What lies under the XML stream.
pub(super) type Io = BufWriter<ClipReader<BufReader<Transport>>>;

/// A connection to the server.
pub(super) enum Transport {
    Tcp(TcpStream),
    Dialled(Box<dyn Duplex>),
    Tls(Box<TlsStream<Transport>>),
}

impl Transport {
    /// Adds buffers and the clipping reader.
    pub(super) fn into_io(self) -> Io {
        let reader = ClipReader::new(BufReader::with_capacity(READ_BUFFER, self));
        BufWriter::with_capacity(WRITE_BUFFER, reader)
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Dialled(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Dialled(stream) => Pin::new(stream).poll_write(cx, data),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Dialled(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Dialled(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
