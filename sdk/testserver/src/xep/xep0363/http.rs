//! PUT and GET of slots (XEP-0363 §4 and §5).

use crate::server::Server;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes, Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE},
    server::conn::http1,
    service::service_fn,
};
use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Serves one connection.
pub(super) fn serve(server: &Server, socket: TcpStream) {
    let server = server.clone();
    let stop = server.clone();
    tokio::spawn(async move {
        let service = service_fn(move |request| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(answer(&server, request).await) }
        });
        let connection = http1::Builder::new().serve_connection(Io(socket), service);
        tokio::select! {
            // An error is the client's: it has gone, or speaks no HTTP.
            _ = connection => {}
            () = stop.stopped() => {}
        }
    });
}

async fn answer(server: &Server, request: Request<Incoming>) -> Response<Whole> {
    let path = request.uri().path().to_owned();
    let slot = {
        let state = server.lock();
        let slot = state.uploads.slots.get(&path);
        slot.map(|slot| (slot.size, slot.kind.clone(), slot.content.clone()))
    };
    match (request.method(), slot) {
        (_, None) => whole(StatusCode::NOT_FOUND, Vec::new()),
        (&Method::PUT, Some((_, _, Some(_)))) => whole(StatusCode::CONFLICT, Vec::new()),
        (&Method::PUT, Some((size, _, None))) => {
            let length = request.headers().get(CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
            if length != Some(size) {
                return whole(StatusCode::PAYLOAD_TOO_LARGE, Vec::new());
            }
            let Some(content) = read(request.into_body(), size).await else {
                return whole(StatusCode::BAD_REQUEST, Vec::new());
            };
            if let Some(slot) = server.lock().uploads.slots.get_mut(&path) {
                slot.content = Some(content);
            }
            whole(StatusCode::CREATED, Vec::new())
        }
        (&Method::GET | &Method::HEAD, Some((_, kind, Some(content)))) => {
            let mut response = whole(StatusCode::OK, content);
            if let Ok(kind) = kind.parse() {
                response.headers_mut().insert(CONTENT_TYPE, kind);
            }
            response
        }
        (&Method::GET | &Method::HEAD, Some(_)) => whole(StatusCode::NOT_FOUND, Vec::new()),
        _ => whole(StatusCode::METHOD_NOT_ALLOWED, Vec::new()),
    }
}

/// A body of exactly this size.
async fn read(body: Incoming, size: u64) -> Option<Vec<u8>> {
    let mut body = pin!(body);
    let mut content = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            content.extend_from_slice(&data);
        }
        if content.len() as u64 > size {
            return None;
        }
    }
    (content.len() as u64 == size).then_some(content)
}

fn whole(status: StatusCode, content: Vec<u8>) -> Response<Whole> {
    let mut response = Response::new(Whole(Some(content.into())));
    *response.status_mut() = status;
    response
}

/// A body in one piece.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let content = self.0.take().filter(|content| !content.is_empty());
        Poll::Ready(content.map(|content| Ok(Frame::data(content))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        let length = self.0.as_ref().map_or(0, Bytes::len);
        hyper::body::SizeHint::with_exact(length as u64)
    }
}

/// A socket of tokio's as hyper wants it: hyper-util has this too, with much else.
struct Io(TcpStream);

impl hyper::rt::Read for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 8 * 1024];
        let room = bytes.len().min(buffer.remaining());
        let mut read = ReadBuf::new(bytes.get_mut(..room).unwrap_or_default());
        std::task::ready!(Pin::new(&mut self.0).poll_read(cx, &mut read))?;
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
