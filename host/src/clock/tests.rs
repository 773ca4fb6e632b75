use super::*;
use std::sync::Mutex;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn start() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// Sleepers that sleep again when they are woken, seen from both kinds of runtime.
async fn sleepers_get_their_own_time() {
    let clock = Clock::manual(start());
    let seen = Arc::new(Mutex::new(Vec::new()));
    for step in [3, 5] {
        let (clock, seen) = (clock.clone(), seen.clone());
        tokio::spawn(async move {
            loop {
                clock.sleep(DAY * step).await;
                // Work on another thread must not be overtaken.
                let work = tokio::task::spawn_blocking(|| {
                    std::thread::sleep(Duration::from_millis(5));
                });
                clock.off_thread(work).await.unwrap();
                let days = clock.monotonic().as_secs() / DAY.as_secs();
                seen.lock().unwrap().push((days, step));
            }
        });
    }
    clock.advance(DAY * 10).await;
    let expected = [(3, 3), (5, 5), (6, 3), (9, 3), (10, 5)];
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(clock.now(), start() + chrono::Duration::days(10));
    assert_eq!(clock.stamp(), "2026-03-11T12:00:00.000Z");
}

#[tokio::test]
async fn sleepers_get_their_own_time_on_one_thread() {
    sleepers_get_their_own_time().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn sleepers_get_their_own_time_on_many_threads() {
    sleepers_get_their_own_time().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_may_move_the_clock_too() {
    tokio::spawn(sleepers_get_their_own_time()).await.unwrap();
}

#[tokio::test]
async fn a_dropped_sleeper_is_forgotten() {
    let clock = Clock::manual(start());
    let sleep = clock.timeout(DAY, std::future::ready(7));
    assert_eq!(sleep.await, Ok(7));
    let mut sleep = clock.sleep(DAY);
    assert!(futures::poll!(&mut sleep).is_pending());
    drop(sleep);
    clock.advance(DAY / 2).await;
    let Source::Manual(manual) = &clock.source else {
        unreachable!()
    };
    assert_eq!(manual.sleepers(), 0);
}

#[tokio::test]
async fn timeouts_and_moments() {
    let clock = Clock::manual(start());
    let waits = clock.timeout(DAY, std::future::pending::<()>());
    let (elapsed, ()) = tokio::join!(waits, clock.advance(DAY));
    assert_eq!(elapsed, Err(Elapsed));
    let at = start() + chrono::Duration::days(7);
    tokio::join!(clock.sleep_until(at), clock.advance(DAY * 6));
    assert_eq!(clock.now(), at);
    clock.sleep_until(start()).await;
}

#[tokio::test]
async fn the_system_clock_waits_for_moments_too() {
    let clock = Clock::system();
    let at = clock.now() + chrono::Duration::milliseconds(30);
    clock.sleep_until(at).await;
    assert!(clock.now() >= at);
    clock.advance(DAY).await;
    assert!(clock.now() < at + chrono::Duration::days(1));
}
