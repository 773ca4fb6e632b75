//! Between jsonrpsee and the methods: the table that is looked up at each call, limits, batches.
//!
//! jsonrpsee's own table is fixed when it starts and its batches go past middleware; so calls
//! don't reach it, but for `events.subscribe`, which needs the connection's writing end.

use crate::{core, events, fault, limits, params, session::Session};
use jsonrpsee::{
    core::middleware::{Batch, BatchEntry, Notification, Request, RpcServiceT},
    server::{BatchResponseBuilder, MethodResponse, ResponsePayload, middleware::rpc::RpcService},
    types::Id,
};
use sat_host::{Error, Result, error::kind};
use serde_json::value::RawValue;
use std::{future::Future, sync::Arc};
use tokio::sync::Semaphore;

/// The methods as one connection sees them.
#[derive(Clone)]
pub(crate) struct Rpc {
    pub(crate) inner: RpcService,
    pub(crate) session: Arc<Session>,
    pub(crate) in_flight: Arc<Semaphore>,
}

impl RpcServiceT for Rpc {
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(
        &self,
        mut request: Request<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let me = self.clone();
        async move {
            let Ok(permit) = me.in_flight.clone().try_acquire_owned() else {
                let text = format!(
                    "More than {} calls at once on one connection",
                    limits::IN_FLIGHT
                );
                return answer(request.id, Err(Error::new(kind::LIMIT, text)));
            };
            if request.method == events::SUBSCRIBE && me.session.is_websocket {
                request.extensions.insert(me.session.clone());
                return me.inner.call(request).await;
            }
            let Request {
                id, method, params, ..
            } = request;
            let (id, method, params) = (
                id.into_owned(),
                method.into_owned(),
                params.map(|p| p.into_owned()),
            );
            let session = me.session;
            // In a task of its own, so that it runs to its end when the client leaves.
            let call = tokio::spawn(async move {
                let result = dispatch(&session, &method, params.as_deref()).await;
                drop(permit);
                answer(id, result)
            });
            call.await
                .unwrap_or_else(|e| answer(Id::Null, Err(Error::internal("Run a call", e))))
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let me = self.clone();
        async move {
            if batch.len() > limits::BATCH {
                let text = format!("A batch has at most {} entries", limits::BATCH);
                return answer(Id::Null, Err(Error::new(kind::LIMIT, text)));
            }
            let mut out = BatchResponseBuilder::new_with_limit(limits::ANSWER);
            let mut noted = false;
            for entry in batch {
                let response = match entry {
                    Ok(BatchEntry::Call(request)) => me.call(request).await,
                    Ok(BatchEntry::Notification(notification)) => {
                        noted = true;
                        me.notification(notification).await;
                        continue;
                    }
                    Err(e) => {
                        let id = e.into_parts().1;
                        answer(
                            id,
                            Err(Error::new(
                                "invalid-request",
                                "An entry of the batch isn't JSON-RPC 2.0",
                            )),
                        )
                    }
                };
                if let Err(too_big) = out.append(response) {
                    return too_big;
                }
            }
            if out.is_empty() && noted {
                MethodResponse::notification()
            } else {
                MethodResponse::from_batch(out.finish())
            }
        }
    }

    fn notification<'a>(
        &self,
        n: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let me = self.clone();
        async move {
            // A call whose answer nobody wants.
            let params = n
                .params
                .and_then(|p| RawValue::from_string(p.get().to_owned()).ok());
            let request = Request::owned(n.method.into_owned(), params, Id::Null);
            me.call(request).await;
            MethodResponse::notification()
        }
    }
}

/// Finds a method and calls it.
async fn dispatch(
    session: &Session,
    method: &str,
    params: Option<&RawValue>,
) -> Result<Box<RawValue>> {
    let catalog = session.door.backend.catalog();
    if let Some(feature) = catalog.methods.get(method) {
        let mut params = params::parse(params)?;
        let profile = match params.remove("profile") {
            None | Some(serde_json::Value::Null) => session.profile("@DEFAULT@").await?,
            Some(serde_json::Value::String(key)) => session.profile(&key).await?,
            Some(_) => return Err(params::bad("profile: expected a string")),
        };
        return profile.call(feature, &params).await;
    }
    if method == events::SUBSCRIBE {
        return Err(params::bad(
            "Subscriptions need a WebSocket: over plain HTTP use events.poll",
        ));
    }
    match core::find(method) {
        Some(core) => core::call(session, core, params::parse(params)?).await,
        None => Err(core::unknown(session, method)),
    }
}

/// The response of a call.
pub(crate) fn answer(id: Id<'_>, result: Result<Box<RawValue>>) -> MethodResponse {
    // The frame around an answer has some bytes too.
    let result = result.and_then(|json| match json.get().len() {
        len if len < limits::ANSWER - 1024 => Ok(json),
        len => Err(Error::new(
            kind::LIMIT,
            format!(
                "The answer has {len} bytes and may have {}: ask for less at once",
                limits::ANSWER
            ),
        )),
    });
    match result {
        Ok(json) => MethodResponse::response(id, ResponsePayload::success(json), limits::ANSWER),
        Err(e) => MethodResponse::error(id, fault::object(&e)),
    }
}
