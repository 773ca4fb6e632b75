//! Whole Atom documents: blogs come and go as text.

use crate::{
    atom,
    bindings::sat::{
        blog::types::{ExportRequest, Exported, ImportRequest, Imported, Refused},
        pubsub::{
            pubsub,
            types::{ItemsRequest, NewItem, PublishManyRequest},
        },
    },
    entry,
    place::Place,
    write,
};
use sat_sdk::{
    Error, datetime, random, uri,
    xml::{self, Element, escape},
};

/// Longest document to import, in bytes: with the rest of a call it must fit into one of the
/// bridge.
const DOCUMENT: usize = 768 << 10;
/// Deepest document: those of Atom have ten levels, and a stanza at most 64.
const DEPTH: usize = 56;
/// Entries that one call imports.
const IMPORTED: usize = 200;
/// Entries and bytes that are published at once.
const CHUNK: usize = 50;
const CHUNK_BYTES: usize = 512 << 10;
/// Longest entry, in bytes.
const ENTRY: usize = 128 << 10;
/// Longest id that is taken over.
const ID: usize = 512;
/// Most entries of an exported document, and its bytes.
const EXPORTED: u32 = 500;
const EXPORTED_BYTES: usize = 1 << 20;
/// Items that are asked for at once.
const PAGE: u32 = 100;

pub(crate) async fn import(request: ImportRequest) -> Result<Imported, Error> {
    let at = Place::new(request.service, request.node)?;
    let entries = read(&request.document)?;
    let total = entries.len();
    let start = request.start.unwrap_or(0) as usize;
    let ready = at.prepare(request.audience.as_deref()).await?;
    let mut done = Imported {
        entries: 0,
        refused: Vec::new(),
        next: (start + IMPORTED < total).then_some((start + IMPORTED) as u32),
    };
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for (index, item) in entries.into_iter().enumerate().skip(start).take(IMPORTED) {
        if item.payload.len() > ENTRY {
            let message = format!("the entry has more than {ENTRY} bytes");
            done.refuse(index, Error::new("limit-reached", message));
            continue;
        }
        bytes += item.payload.len();
        chunk.push((index, item));
        if chunk.len() == CHUNK || bytes > CHUNK_BYTES {
            publish(&at, &ready.options, std::mem::take(&mut chunk), &mut done).await?;
            bytes = 0;
        }
    }
    if !chunk.is_empty() {
        publish(&at, &ready.options, chunk, &mut done).await?;
    }
    Ok(done)
}

impl Imported {
    fn refuse(&mut self, index: usize, error: Error) {
        self.refused.push(Refused {
            index: index as u32,
            code: error.code,
            message: error.message,
        });
    }
}

async fn publish(
    at: &Place,
    options: &[(String, String)],
    chunk: Vec<(usize, NewItem)>,
    done: &mut Imported,
) -> Result<(), Error> {
    let (places, items): (Vec<usize>, Vec<NewItem>) = chunk.into_iter().unzip();
    let request = PublishManyRequest {
        service: at.service.clone(),
        node: at.node.clone(),
        items,
        options: options.to_vec(),
        create: None,
        extra: Vec::new(),
    };
    let published = match pubsub::publish_many(request).await {
        Ok(published) => published,
        // Nothing was published at all: then it is the call that failed.
        Err(e) if done.entries == 0 => return Err(e),
        Err(e) => {
            for place in places {
                done.refuse(place, e.clone());
            }
            return Ok(());
        }
    };
    done.entries += published.ids.len() as u32;
    for refused in published.failed {
        if let Some(place) = places.get(refused.index as usize) {
            done.refuse(*place, Error::new(&refused.code, refused.message));
        }
    }
    Ok(())
}

/// The entries of a document, the oldest first, so that services that order by publication have
/// them in their order.
fn read(document: &str) -> Result<Vec<NewItem>, Error> {
    let bad = |message: String| Err(Error::new("bad-request", message));
    if document.len() > DOCUMENT {
        let message = format!("a document has at most {DOCUMENT} bytes: import parts of it");
        return Err(Error::new("limit-reached", message));
    }
    let (document, depth) = plain(document.trim_start_matches('\u{feff}'));
    if depth > DEPTH {
        return bad(format!("the document is deeper than {DEPTH} elements"));
    }
    let root = match xml::parse(document.trim()) {
        Ok(root) => root,
        Err(e) => return bad(format!("the document can't be read: {}", e.message)),
    };
    let mut entries: Vec<Element> = match root.name() {
        "entry" if root.ns() == atom::NS => vec![root],
        "feed" if root.ns() == atom::NS => {
            let lang = xml::lang(&root).map(str::to_owned);
            let all = atom::all(&root, "entry").cloned();
            let inherit = |mut entry: Element| {
                if xml::lang(&entry).is_none() {
                    write::set_lang(&mut entry, lang.as_deref());
                }
                entry
            };
            all.map(inherit).collect()
        }
        name => return bad(format!("the document is “{name}”, not an Atom feed")),
    };
    let moment = |e: &Element| atom::moment(e, "published").or_else(|| atom::moment(e, "updated"));
    entries.sort_by_key(moment);
    Ok(entries
        .into_iter()
        .map(|entry| NewItem {
            id: Some(id(&entry)),
            payload: xml::text(&entry),
        })
        .collect())
}

/// The item's id: of the item that it was, else the entry's own, so that importing a document
/// again makes no second ones.
fn id(entry: &Element) -> String {
    let links = atom::all(entry, "link").filter(|l| entry::rel(l) == "alternate");
    let item = links
        .filter_map(|l| uri::parse(l.attr("href")?)?.item)
        .next();
    let id = item.or_else(|| atom::text(entry, "id"));
    id.filter(|id| (1..=ID).contains(&id.len()))
        .unwrap_or_else(random::id)
}

/// A document without what an XMPP parser doesn't read: declaration, comments, instructions and
/// document type; and how many elements are inside of each other. That is counted without a tree,
/// since dropping a deep one would end this instance.
fn plain(mut rest: &str) -> (String, usize) {
    let mut out = String::with_capacity(rest.len());
    let (mut depth, mut deepest) = (0usize, 0);
    while let Some((text, tag)) = rest.split_once('<') {
        out.push_str(text);
        let skip = |end: &str| tag.split_once(end).map_or("", |(_, behind)| behind);
        rest = if tag.starts_with("!--") {
            skip("-->")
        } else if tag.starts_with('?') {
            skip("?>")
        } else if tag.starts_with("![CDATA[") {
            keep(&mut out, tag, skip("]]>"))
        } else if tag.starts_with('!') {
            skip(">")
        } else if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
            keep(&mut out, tag, skip(">"))
        } else {
            let mut quote = None;
            let end = tag.find(|c| {
                match (quote, c) {
                    (None, '\'' | '"') => quote = Some(c),
                    (Some(q), c) if q == c => quote = None,
                    _ => {}
                }
                quote.is_none() && c == '>'
            });
            let (inside, behind) = tag.split_at(end.unwrap_or(tag.len()));
            if !inside.ends_with('/') {
                depth += 1;
                deepest = deepest.max(depth);
            }
            keep(&mut out, tag, behind)
        };
    }
    out.push_str(rest);
    (out, deepest)
}

/// Takes over a tag up to what comes behind it, which is returned.
fn keep<'a>(out: &mut String, tag: &str, behind: &'a str) -> &'a str {
    let end = tag.len().saturating_sub(behind.len());
    out.push('<');
    out.push_str(tag.get(..end).unwrap_or_default());
    behind
}

pub(crate) async fn export(request: ExportRequest) -> Result<Exported, Error> {
    let at = Place::new(request.service, request.node)?;
    let service = at.service().await?;
    let limit = request.limit.unwrap_or(EXPORTED).clamp(1, EXPORTED);
    let (mut before, mut entries) = (request.before, String::new());
    let mut done = Exported {
        document: String::new(),
        entries: 0,
        last: None,
        complete: false,
    };
    while !done.complete && done.entries < limit && entries.len() < EXPORTED_BYTES / 2 {
        let request = ItemsRequest {
            service: at.service.clone(),
            node: at.node.clone(),
            ids: Vec::new(),
            limit: Some(PAGE.min(limit - done.entries)),
            before: before.take(),
            after: None,
            order: None,
            source: None,
            extra: Vec::new(),
        };
        let page = pubsub::items(request).await?;
        for item in &page.items {
            entries.push_str(&exported(&item.payload, &service, &at.node, &item.id));
        }
        done.entries += page.items.len() as u32;
        done.complete = page.complete || page.last.is_none();
        done.last = page.last.clone().or(done.last);
        before = page.last;
    }
    let uri = uri::node(&service, &at.node);
    done.document = format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<feed xmlns='{}'><title>{}</title>{}{}{}{entries}\
         \n</feed>\n",
        atom::NS,
        escape(&service),
        atom::plain("id", &uri),
        atom::plain("updated", &datetime::now()),
        atom::link("self", &uri, &[]),
    );
    Ok(done)
}

/// An entry with a link to where it was, which is what importing knows it by.
fn exported(payload: &str, service: &str, node: &str, id: &str) -> String {
    let Ok(mut entry) = xml::parse(payload) else {
        return String::new();
    };
    if !entry.is("entry", atom::NS) {
        return String::new();
    }
    let uri = uri::item(service, node, id);
    let has_link = atom::all(&entry, "link").any(|l| l.attr("href") == Some(&uri));
    if !has_link && let Ok(link) = atom::tree(&atom::link("alternate", &uri, &[])) {
        entry.append_child(link);
    }
    format!("\n{}", xml::text(&entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &str = "<?xml version='1.0'?><!-- a <b> comment -->
        <feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'><title>F</title>
        <entry><id>tag:new</id><title>New</title><updated>2021-01-01T00:00:00Z</updated></entry>
        <entry xml:lang='de'><id>tag:old</id><title>Alt</title><published>2020-01-01T00:00:00Z</published>
        <link rel='alternate' href='xmpp:a@b?;node=n;item=old-1'/></entry>
        <entry><title>?</title></entry></feed>";

    #[test]
    fn documents_become_items_the_oldest_first() {
        let items = read(FEED).unwrap();
        let titles: Vec<_> = items
            .iter()
            .map(|i| atom::text(&xml::parse(&i.payload).unwrap(), "title").unwrap())
            .collect();
        assert_eq!(titles, ["?", "Alt", "New"]);
        let ids: Vec<_> = items.iter().map(|i| i.id.as_deref().unwrap()).collect();
        assert_eq!(ids[1..], ["old-1", "tag:new"]);
        assert_eq!(ids[0].len(), 32);
        let langs = |i: &NewItem| xml::lang(&xml::parse(&i.payload).unwrap()).map(str::to_owned);
        assert_eq!(langs(&items[1]).as_deref(), Some("de"));
        assert_eq!(langs(&items[2]).as_deref(), Some("en"));
    }

    #[test]
    fn what_is_exported_is_imported_as_the_same() {
        let payload = "<entry xmlns='http://www.w3.org/2005/Atom'><title>x</title></entry>";
        let entry = exported(payload, "a@b.lit", "urn:xmpp:microblog:0", "i;1");
        let feed = format!("<feed xmlns='{}'>{entry}{entry}</feed>", atom::NS);
        let items = read(&feed).unwrap();
        assert_eq!(items[0].id.as_deref(), Some("i;1"));
        // And again it gets no second link.
        let again = exported(&items[0].payload, "a@b.lit", "urn:xmpp:microblog:0", "i;1");
        assert_eq!(again.matches("<link").count(), 1);
        assert_eq!(
            exported("<feed xmlns='http://www.w3.org/2005/Atom'/>", "a", "b", "c"),
            ""
        );
    }

    #[test]
    fn refuses_bad_documents() {
        for bad in [
            "",
            "x",
            "<rss/>",
            "<feed/>",
            "<feed xmlns='http://www.w3.org/2005/Atom'>",
        ] {
            assert_eq!(
                read(bad).err().map(|e| e.code).as_deref(),
                Some("bad-request"),
                "{bad}"
            );
        }
        let deep = format!("<feed xmlns='{}'>{}", atom::NS, "<a>".repeat(200_000));
        assert_eq!(read(&deep).err().unwrap().code, "bad-request");
        assert_eq!(
            read(&" ".repeat(DOCUMENT + 1)).err().unwrap().code,
            "limit-reached"
        );
    }

    #[test]
    fn depths_and_what_is_left_out() {
        for (xml, left, deep) in [
            ("", "", 0),
            ("<a/>", "<a/>", 0),
            (
                "<a><b/></a><a><b><c/></b></a>",
                "<a><b/></a><a><b><c/></b></a>",
                2,
            ),
            (
                "<a title='<b>/>'><!-- <b><c> -->x<![CDATA[<d><e>]]></a>",
                "<a title='<b>/>'>x<![CDATA[<d><e>]]></a>",
                1,
            ),
            ("<?xml?>\n<!DOCTYPE x><a>", "\n<a>", 1),
            ("<a", "<a", 1),
            ("<!-- x", "", 0),
        ] {
            assert_eq!(plain(xml), (left.to_owned(), deep), "{xml}");
        }
    }
}
