//! Cursors: places in lists of cached items.

use sat_sdk::Error;

/// By what items are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// When they were published first.
    Creation,
    /// When their payload was published.
    Modification,
}

/// The place of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) row: i64,
    /// For [`Order::Modification`].
    pub(crate) updated: Option<i64>,
}

impl Cursor {
    /// The place of an item in this order.
    pub(crate) fn of(order: Order, row: i64, updated: i64) -> Self {
        Self {
            row,
            updated: (order == Order::Modification).then_some(updated),
        }
    }

    /// As others see it.
    pub(crate) fn text(self) -> String {
        match self.updated {
            Some(updated) => format!("{:x}.{updated:x}", self.row),
            None => format!("{:x}", self.row),
        }
    }

    /// Reads what [`text`](Self::text) wrote for this order.
    pub(crate) fn read(order: Order, text: &str) -> Result<Self, Error> {
        let number = |text| i64::from_str_radix(text, 16).ok();
        let read = match (order, text.split_once('.')) {
            (Order::Creation, None) => number(text).map(|row| (row, None)),
            (Order::Modification, Some((row, updated))) => {
                number(row).zip(number(updated).map(Some))
            }
            _ => None,
        };
        let (row, updated) = read.ok_or_else(|| {
            Error::new(
                "bad-request",
                format!("“{text}” is no cursor of such a list: take `first` or `last` of a page"),
            )
        })?;
        Ok(Self { row, updated })
    }
}

/// Which part of a list, of which the newest items are first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<T> {
    Newest,
    /// Behind an item.
    Older(T),
    /// Before an item, next to it.
    Newer(T),
}

impl<T> Part<T> {
    /// From `before` and `after` of a request.
    pub(crate) fn of(before: Option<T>, after: Option<T>) -> Result<Self, Error> {
        match (before, after) {
            (None, None) => Ok(Self::Newest),
            (Some(cursor), None) => Ok(Self::Older(cursor)),
            (None, Some(cursor)) => Ok(Self::Newer(cursor)),
            (Some(_), Some(_)) => Err(Error::new(
                "bad-request",
                "give `before` or `after`, not both",
            )),
        }
    }

    /// With another kind of cursor.
    pub(crate) fn map<U>(self, to: impl FnOnce(T) -> Result<U, Error>) -> Result<Part<U>, Error> {
        Ok(match self {
            Self::Newest => Part::Newest,
            Self::Older(cursor) => Part::Older(to(cursor)?),
            Self::Newer(cursor) => Part::Newer(to(cursor)?),
        })
    }
}

/// Items of a page, unless asked otherwise, and at most.
const PAGE: u32 = 20;
const MAX_PAGE: u32 = 100;

/// How many items a page may have.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Error> {
    within(asked, PAGE, MAX_PAGE)
}

/// How many nodes a page may have.
pub(crate) fn node_limit(asked: Option<u32>) -> Result<usize, Error> {
    within(asked, 100, 1000).map(|limit| limit as usize)
}

fn within(asked: Option<u32>, usual: u32, most: u32) -> Result<u32, Error> {
    let limit = asked.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        Ok(limit)
    } else {
        Err(Error::new("bad-request", format!("`limit` is 1 to {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back() {
        for order in [Order::Creation, Order::Modification] {
            let cursor = Cursor::of(order, 0x1234, 0x56);
            assert_eq!(Cursor::read(order, &cursor.text()).unwrap(), cursor);
        }
        for (order, bad) in [
            (Order::Creation, "1.2"),
            (Order::Modification, "1"),
            (Order::Creation, ""),
            (Order::Creation, "x"),
            (Order::Modification, "1."),
        ] {
            assert_eq!(Cursor::read(order, bad).unwrap_err().code, "bad-request");
        }
    }

    #[test]
    fn parts_and_limits() {
        assert_eq!(Part::<u8>::of(None, None).unwrap(), Part::Newest);
        assert_eq!(Part::of(Some(1), None).unwrap(), Part::Older(1));
        assert_eq!(Part::of(None, Some(1)).unwrap(), Part::Newer(1));
        assert!(Part::of(Some(1), Some(2)).is_err());
        assert_eq!(limit(None).unwrap(), PAGE);
        assert!(limit(Some(0)).is_err() && limit(Some(101)).is_err());
        assert_eq!(node_limit(Some(1000)).unwrap(), 1000);
    }
}
