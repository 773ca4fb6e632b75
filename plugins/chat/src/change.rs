//! Changes to stored messages, and the events that tell of them.

use crate::{
    bindings::sat::chat::events,
    message::{State, Stored},
    table,
};
use sat_sdk::{
    Error,
    storage::{self, Params},
};
use std::{cell::RefCell, collections::VecDeque};

/// How many messages' last states are remembered.
const RECENT: usize = 256;

thread_local! {
    /// States that were written lately, or are being written. What was read from the table may
    /// be older, and an event must not take back what another one has said.
    static STATES: RefCell<VecDeque<(i64, State)>> = const { RefCell::new(VecDeque::new()) };
}

/// Applies `change` to the messages that a condition selects, and says how many those are.
/// `change` tells whether it did something; that is stored, and told in the same commit.
pub(crate) async fn apply(
    condition: &str,
    values: impl Params,
    mut change: impl FnMut(&mut Stored) -> Result<bool, Error>,
) -> Result<usize, Error> {
    let found = table::select(condition, values).await?;
    let count = found.len();
    let mut statements = Vec::new();
    for mut was in found {
        if let Some(state) = recent(was.row) {
            was.advance(state, was.message.error.clone());
        }
        let mut now = was.clone();
        if !change(&mut now)? {
            continue;
        }
        remember(now.row, now.state);
        statements.extend(table::update(&was, &now));
        events::updated(now.message).await;
    }
    if !statements.is_empty() {
        storage::run(statements).await?;
    }
    Ok(count)
}

fn recent(row: i64) -> Option<State> {
    let of_row = |(r, state): &(i64, State)| (*r == row).then_some(*state);
    STATES.with_borrow(|states| states.iter().filter_map(of_row).max())
}

fn remember(row: i64, state: State) {
    STATES.with_borrow_mut(|states| {
        states.truncate(RECENT - 1);
        states.push_front((row, state));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_furthest_state() {
        remember(-1, State::Delivered);
        remember(-1, State::Sent);
        assert_eq!(recent(-1), Some(State::Delivered));
        (0..RECENT as i64).for_each(|row| remember(row, State::Sent));
        assert_eq!((recent(-1), recent(0)), (None, Some(State::Sent)));
    }
}
