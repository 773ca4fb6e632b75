//! Where a blog is, and for whom.

use crate::{
    atom,
    bindings::sat::pubsub::types::Item,
    bindings::sat::pubsub::{
        pubsub,
        types::{ConfigureRequest, ItemsRequest},
    },
};
use sat_sdk::{Error, jid};
use std::cell::RefCell;

/// What every node of a blog is like (XEP-0277 §5, XEP-0472 §5.1.1): nothing is lost, and
/// everybody hears of what is taken back.
const FEED: [(&str, &str); 4] = [
    ("persist_items", "true"),
    ("max_items", "max"),
    ("notify_retract", "true"),
    ("send_last_published_item", "never"),
];

/// A node of the account itself, or of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) service: Option<String>,
    pub(crate) node: String,
}

impl Place {
    /// From a request.
    pub(crate) fn new(service: Option<String>, node: Option<String>) -> Result<Self, Error> {
        Ok(Self {
            service: service.map(|s| jid::normalize(&s)).transpose()?,
            node: node.unwrap_or_else(|| atom::MICROBLOG.into()),
        })
    }

    /// The JID of its service.
    pub(crate) async fn service(&self) -> Result<String, Error> {
        match &self.service {
            Some(service) => Ok(service.clone()),
            None => own().await,
        }
    }

    /// One item, as the service has it or as the cache does.
    pub(crate) async fn item(&self, id: &str, source: Option<&str>) -> Result<Item, Error> {
        let request = ItemsRequest {
            service: self.service.clone(),
            node: self.node.clone(),
            ids: vec![id.to_owned()],
            limit: None,
            before: None,
            after: None,
            order: None,
            source: source.map(str::to_owned),
            extra: Vec::new(),
        };
        let found = pubsub::items(request).await?.items.into_iter().next();
        found.ok_or_else(|| {
            let message = format!("there is no entry “{id}” in “{}”", self.node);
            Error::new("item-not-found", message)
        })
    }

    /// The node's access model; none when there is no such node.
    async fn access(&self) -> Result<Option<String>, Error> {
        let (service, node) = (self.service.clone(), Some(self.node.clone()));
        match pubsub::get_configuration(service, node).await {
            Ok(form) => Ok(value(&form, "access_model")),
            Err(e) if e.code == "item-not-found" => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// For whom it is, where the account may know.
    pub(crate) async fn audience(&self) -> Option<String> {
        let model = self.access().await.ok()??;
        audience_of(&model).map(str::to_owned)
    }

    /// What the node must be like so that it can be published to for this audience.
    pub(crate) async fn prepare(&self, audience: Option<&str>) -> Result<Ready, Error> {
        let wanted = audience.map(model).transpose()?;
        if self.service.is_some() && wanted.is_none() {
            // Somebody else's node is as it is.
            return Ok(Ready::default());
        }
        let mut options: Vec<_> = FEED.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let Some(is) = self.access().await? else {
            let access = wanted.unwrap_or("presence").to_owned();
            options.push(("access_model".into(), access.clone()));
            return Ok(Ready {
                options,
                access: Some(access),
                create: true,
            });
        };
        match wanted {
            // Entries of one node are for the same people, and nobody wants old ones published
            // to everybody by accident.
            Some(wanted) if audience_of(wanted) != audience_of(&is) => Err(Error::new(
                "conflict",
                format!(
                    "the entries of “{}” are for others (access model {is}): publish to another \
                     node, or change the whole blog with `blog.set_audience`",
                    self.node
                ),
            )),
            _ => Ok(Ready {
                options,
                access: Some(is),
                create: true,
            }),
        }
    }

    /// Changes for whom all of its entries are.
    pub(crate) async fn set_audience(self, audience: &str) -> Result<(), Error> {
        let options = vec![("access_model".into(), model(audience)?.into())];
        let request = ConfigureRequest {
            service: self.service,
            node: self.node,
            options,
            extra: Vec::new(),
        };
        pubsub::configure(request).await
    }
}

/// A node that can be published to.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    /// Options to publish with.
    pub(crate) options: Vec<(String, String)>,
    /// Who may read it, if that is known.
    pub(crate) access: Option<String>,
    /// Whether it may be created.
    pub(crate) create: bool,
}

/// The options of a node for comments: everybody who reads it may write (XEP-0277 §5.2).
pub(crate) fn comments_options(access: Option<&str>) -> Vec<(String, String)> {
    let others = [
        ("access_model", access.unwrap_or("open")),
        ("publish_model", "open"),
    ];
    let all = FEED.into_iter().chain(others);
    all.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

thread_local! {
    static OWN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The account's bare JID.
pub(crate) async fn own() -> Result<String, Error> {
    if let Some(jid) = OWN.with_borrow(Clone::clone) {
        return Ok(jid);
    }
    let jid = pubsub::service(None).await?.service;
    OWN.set(Some(jid.clone()));
    Ok(jid)
}

/// The access model for an audience (XEP-0060 §4.5).
fn model(audience: &str) -> Result<&'static str, Error> {
    match audience {
        "public" => Ok("open"),
        "contacts" => Ok("presence"),
        "private" => Ok("whitelist"),
        other => Err(Error::new(
            "bad-request",
            format!("`audience` is public, contacts or private, not “{other}”"),
        )),
    }
}

fn audience_of(model: &str) -> Option<&'static str> {
    match model {
        "open" => Some("public"),
        "presence" | "roster" => Some("contacts"),
        "whitelist" | "authorize" => Some("private"),
        _ => None,
    }
}

/// A field of a form.
fn value(form: &[(String, String)], field: &str) -> Option<String> {
    let found = form.iter().find(|(name, _)| name == field);
    found.map(|(_, value)| value.clone())
}
