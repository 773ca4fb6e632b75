use super::*;
use crate::xml::parse;

#[test]
fn asks() {
    for (position, xml) in [
        (Position::First, ""),
        (Position::After("<1>"), "<after>&lt;1&gt;</after>"),
        (Position::Before("2"), "<before>2</before>"),
        (Position::Last, "<before/>"),
        (Position::Index(371), "<index>371</index>"),
    ] {
        let expected =
            format!("<set xmlns='http://jabber.org/protocol/rsm'><max>7</max>{xml}</set>");
        assert_eq!(request(7, position), expected);
    }
}

/// Examples 8 and 15 of §2.2 and §2.6, 7 of §2.2, and what is none.
#[test]
fn reads() {
    let read = |set: &str| page(&parse(&format!("<fin xmlns='x'>{set}</fin>")).unwrap());
    let first = "<set xmlns='http://jabber.org/protocol/rsm'><first index='10'>peter@pixyland.org\
                 </first><last>peter@rabbit.lit</last><count>800</count></set>";
    let expected = Page {
        first: Some("peter@pixyland.org".into()),
        index: Some(10),
        last: Some("peter@rabbit.lit".into()),
        count: Some(800),
    };
    assert_eq!(read(first), expected);
    let empty = "<set xmlns='http://jabber.org/protocol/rsm'><count>790</count></set>";
    assert_eq!(
        read(empty),
        Page {
            count: Some(790),
            ..Page::default()
        }
    );
    assert_eq!(read("<set xmlns='x'/>"), Page::default());
}

/// A list of numbers behind a service that counts wrongly, asked for in pages of three.
fn list(length: u32, limit: usize) -> (Pages<u32>, usize) {
    let mut asked = 0;
    let service = async |set: String| {
        asked += 1;
        let set = parse(&set)?;
        let after = set
            .get_child("after", NS)
            .map(|a| a.text().parse::<u32>().unwrap());
        let start = after.map_or(0, |n| n + 1);
        let items: Vec<u32> = (start..length.min(start + 3)).collect();
        let page = Page {
            first: items.first().map(u32::to_string),
            last: items.last().map(u32::to_string),
            index: Some(start.into()),
            count: Some(1),
        };
        Ok((items, page))
    };
    let pages = crate::mock::block_on(all(3, limit, service)).unwrap();
    (pages, asked)
}

#[test]
fn reads_to_the_end_or_the_limit() {
    for (length, limit, items, complete, asked) in [
        (0, 10, 0, true, 1),
        (2, 10, 2, true, 2),
        (7, 10, 7, true, 4),
        (7, 7, 7, false, 3),
        (7, 4, 4, false, 2),
    ] {
        let (pages, times) = list(length, limit);
        let found = (pages.items.len(), pages.complete, times);
        assert_eq!(
            found,
            (items, complete, asked),
            "{length} with limit {limit}"
        );
        assert!(pages.items.iter().copied().eq(0..items as u32));
    }
}

#[test]
fn everything_at_once_and_a_page_that_leads_nowhere() {
    let everything = async |_| Ok((vec![1, 2, 3], Page::default()));
    let pages = crate::mock::block_on(all(1, 10, everything)).unwrap();
    assert_eq!((pages.items.len(), pages.complete), (3, true));
    let last = Some("a".to_owned());
    let nowhere = async |_| {
        Ok((
            vec![1],
            Page {
                last: last.clone(),
                ..Page::default()
            },
        ))
    };
    let pages = crate::mock::block_on(all(1, 10, nowhere)).unwrap();
    assert_eq!(pages.items.len(), 2);
    let failing = async |_| Err::<(Vec<u32>, Page), _>(Error::new("item-not-found", ""));
    assert!(crate::mock::block_on(all(1, 10, failing)).is_err());
}
