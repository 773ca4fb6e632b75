//! XEP-0059: Result Set Management.

use crate::{
    ns,
    stanza::Fault,
    xml::{Build, el},
};
use minidom::Element;

/// Items of a page when the client doesn't say.
const PAGE: usize = 50;
/// Items of a page at most.
const MAX_PAGE: usize = 250;

/// Part of a list.
pub(crate) struct Page {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether nothing more follows in the direction of paging.
    pub(crate) complete: bool,
    /// What goes with the result.
    pub(crate) set: Element,
}

/// The part of a list with these ids that a request asks for.
pub(crate) fn page(ids: &[&str], request: Option<&Element>) -> Result<Page, Fault> {
    let text = |name: &str| Some(request?.get_child(name, ns::RSM)?.text());
    let number = |name: &str| match text(name) {
        Some(text) => match text.trim().parse::<usize>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Fault::new("bad-request")),
        },
        None => Ok(None),
    };
    let max = number("max")?.unwrap_or(PAGE).min(MAX_PAGE);
    let find = |id: &str| {
        let found = ids.iter().position(|other| *other == id);
        found.ok_or_else(|| Fault::new("item-not-found"))
    };
    let (start, end, complete) = match (text("before"), text("after"), number("index")?) {
        (Some(before), None, None) => {
            let end = match before.is_empty() {
                true => ids.len(),
                false => find(&before)?,
            };
            let start = end.saturating_sub(max);
            (start, end, start == 0)
        }
        (None, after, index) => {
            let start = match after.as_deref() {
                Some("") => 0,
                Some(after) => find(after)? + 1,
                None => index.unwrap_or(0).min(ids.len()),
            };
            let end = start.saturating_add(max).min(ids.len());
            (start, end, end == ids.len())
        }
        _ => return Err(Fault::new("bad-request")),
    };
    let mut set = el("set", ns::RSM);
    if let Some([first, .., last] | [first @ last]) = ids.get(start..end) {
        set = set
            .child(el("first", ns::RSM).with("index", start).say(first))
            .child(el("last", ns::RSM).say(last));
    }
    Ok(Page {
        start,
        end,
        complete,
        set: set.child(el("count", ns::RSM).say(&ids.len().to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn ask(set: &str) -> Result<(usize, usize, bool), String> {
        let set = parse(&format!("<set xmlns='{}'>{set}</set>", ns::RSM)).unwrap();
        page(&["a", "b", "c", "d"], Some(&set))
            .map(|page| (page.start, page.end, page.complete))
            .map_err(|fault| format!("{fault:?}"))
    }

    #[test]
    fn pages_go_both_ways() {
        assert_eq!(ask(""), Ok((0, 4, true)));
        assert_eq!(ask("<max>3</max>"), Ok((0, 3, false)));
        assert_eq!(ask("<max>3</max><after>c</after>"), Ok((3, 4, true)));
        assert_eq!(ask("<max>3</max><before/>"), Ok((1, 4, false)));
        assert_eq!(ask("<max>3</max><before>b</before>"), Ok((0, 1, true)));
        assert_eq!(ask("<max>0</max>"), Ok((0, 0, false)));
        assert_eq!(ask("<max>1</max><index>2</index>"), Ok((2, 3, false)));
        assert!(ask("<after>x</after>").is_err());
        assert!(ask("<max>x</max>").is_err());
    }
}
