//! Several things at once.

use std::{collections::VecDeque, future::Future, pin::Pin, task::Poll};

/// Runs the futures, at most `width` at a time, each started in its turn; the results are in
/// their order.
pub(crate) async fn join<T>(
    width: usize,
    futures: impl IntoIterator<Item = impl Future<Output = T>>,
) -> Vec<T> {
    type Running<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
    let mut waiting: VecDeque<_> = futures.into_iter().enumerate().collect();
    let mut running: Vec<(usize, Running<'_, T>)> = Vec::new();
    let mut results: Vec<(usize, T)> = Vec::new();
    std::future::poll_fn(|context| {
        loop {
            while running.len() < width.max(1)
                && let Some((n, future)) = waiting.pop_front()
            {
                running.push((n, Box::pin(future)));
            }
            let before = results.len();
            running.retain_mut(|(n, future)| match future.as_mut().poll(context) {
                Poll::Ready(result) => {
                    results.push((*n, result));
                    false
                }
                Poll::Pending => true,
            });
            if running.is_empty() && waiting.is_empty() {
                return Poll::Ready(());
            }
            // Who ended makes room for others, which have to be polled once.
            if results.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        cell::{Cell, RefCell},
        task::{Context, Waker},
    };

    #[test]
    fn runs_so_many_at_a_time_in_order() {
        let (open, most, order) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
        let task = |n: usize| {
            let (open, most, order) = (&open, &most, &order);
            async move {
                open.set(open.get() + 1);
                most.set(most.get().max(open.get()));
                order.borrow_mut().push(n);
                // Later ones are done first.
                let mut polls = 20 - n;
                std::future::poll_fn(|_| {
                    polls -= 1;
                    if polls == 0 {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
                open.set(open.get() - 1);
                n
            }
        };
        let mut all = Box::pin(join(3, (0..10).map(task)));
        let mut context = Context::from_waker(Waker::noop());
        let results = loop {
            if let Poll::Ready(results) = all.as_mut().poll(&mut context) {
                break results;
            }
        };
        assert_eq!(results, (0..10).collect::<Vec<_>>());
        assert_eq!(*order.borrow(), (0..10).collect::<Vec<_>>());
        assert_eq!(most.get(), 3);
    }
}
