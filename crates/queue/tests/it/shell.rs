//! [`Queue`] on tokio's paused clock: time passes only while every task waits.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use queue::{Backoff, Cause, Class, NoMetrics, Outcome, Queue, Work};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::recorder::Recorder;

const SECOND: Duration = Duration::from_secs(1);

fn queue<K: queue::Key>() -> Queue<K> {
    Queue::new(Backoff::default(), NoMetrics)
}

/// Lets every other task run until it waits.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

/// Takes the next key; a lost one fails the test instead of hanging it.
async fn take(queue: &Queue<&'static str>) -> Work<&'static str> {
    timeout(3600 * SECOND, queue.take())
        .await
        .expect("no key within an hour")
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_waiting_worker_gets_a_delayed_key_at_its_time() {
    let (queue, start) = (queue(), Instant::now());
    queue.add_after("a", Class::Urgent, 5 * SECOND);
    let work = take(&queue).await;
    assert_eq!((*work.key(), start.elapsed()), ("a", 5 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn an_earlier_key_resets_the_timer() {
    let (queue, start) = (queue(), Instant::now());
    queue.add_after("never", Class::Urgent, Duration::MAX);
    queue.add_after("late", Class::Urgent, 60 * SECOND);
    settle().await;
    queue.add_after("soon", Class::Urgent, SECOND);
    let work = take(&queue).await;
    assert_eq!(*work.key(), "soon");
    assert!(start.elapsed() < 2 * SECOND);
    work.finish(Outcome::Again(2 * SECOND));
    let work = take(&queue).await;
    assert_eq!((*work.key(), work.cause()), ("soon", Cause::Scheduled));
    assert!(start.elapsed() < 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_due_key_counts_as_ready_while_no_worker_asks() {
    let metrics = Recorder::default();
    let queue = Queue::new(Backoff::default(), metrics.clone());
    queue.add_after("a", Class::Drift, 5 * SECOND);
    settle().await;
    assert_eq!(metrics.read().depth, [Some(0); 4]);
    sleep(5 * SECOND).await;
    assert_eq!(metrics.read().depth, [Some(0), Some(1), Some(0), Some(0)]);
    assert_eq!(queue.counts().ready.of(Class::Drift), 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_work_is_retried_after_the_back_off() {
    let (queue, start) = (queue(), Instant::now());
    queue.add("a", Class::Move);
    drop(take(&queue).await);
    let work = take(&queue).await;
    assert_eq!((work.class(), work.cause()), (Class::Move, Cause::Retry));
    assert_eq!(start.elapsed(), Duration::from_millis(750));
}

#[tokio::test(start_paused = true)]
async fn neither_a_panic_nor_an_abort_loses_a_key() {
    let queue = queue();
    queue.add("a", Class::Urgent);
    let work = take(&queue).await;
    let panics = tokio::spawn(async move {
        let _work = work;
        panic!("a reconciler's defect");
    });
    assert!(panics.await.unwrap_err().is_panic());
    let work = take(&queue).await;
    let hangs = tokio::spawn(async move {
        let _work = work;
        std::future::pending::<()>().await;
    });
    settle().await;
    hangs.abort();
    assert!(hangs.await.unwrap_err().is_cancelled());
    assert_eq!(*take(&queue).await.key(), "a");
}

#[tokio::test(start_paused = true)]
async fn work_is_superseded_by_what_makes_it_outdated() {
    type Act = fn(&Queue<&'static str>);
    let table: [(&str, bool, Act); 6] = [
        ("add", true, |queue| queue.add("a", Class::Interval)),
        ("delayed add", false, |queue| {
            queue.add_after("a", Class::Urgent, SECOND);
        }),
        ("wake", false, |queue| queue.wake(&"a", Class::Urgent)),
        ("forget", true, |queue| queue.forget(&"a")),
        ("another key", false, |queue| queue.add("b", Class::Urgent)),
        ("shutdown", false, |queue| queue.shutdown()),
    ];
    for (name, expected, act) in table {
        let queue = queue();
        queue.add("a", Class::Urgent);
        let work = take(&queue).await;
        act(&queue);
        assert_eq!(work.superseded().is_cancelled(), expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_run_after_a_superseded_one_is_not_superseded() {
    let queue = queue();
    queue.add("a", Class::Urgent);
    let first = take(&queue).await;
    queue.add("a", Class::Urgent);
    first.superseded().cancelled().await;
    first.finish(Outcome::Done);
    let second = take(&queue).await;
    assert!(!second.superseded().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_wake_reaches_a_key_that_waits_without_a_worker() {
    let queue = queue();
    queue.add("a", Class::Urgent);
    take(&queue).await.finish(Outcome::Wait {
        deadline: Some(60 * SECOND),
    });
    queue.add("b", Class::Urgent);
    take(&queue).await.finish(Outcome::Done);
    queue.wake(&"a", Class::Urgent);
    let work = take(&queue).await;
    assert_eq!((*work.key(), work.cause()), ("a", Cause::Woken));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_gives_up_passes_its_wake_up_on() {
    let queue = queue();
    let mut first = Box::pin(queue.take());
    let mut second = pin!(queue.take());
    poll_fn(|cx| {
        assert!(first.as_mut().poll(cx).is_pending());
        assert!(second.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    queue.add("a", Class::Urgent);
    drop(first);
    assert_eq!(second.await.map(|work| *work.key()), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_the_workers_and_drained_waits_for_their_work() {
    let queue = queue();
    queue.add("a", Class::Urgent);
    queue.add("b", Class::Urgent);
    let work = take(&queue).await;
    let mut idle = JoinSet::new();
    queue.shutdown();
    for _ in 0..3 {
        let queue = queue.clone();
        idle.spawn(async move { queue.take().await.is_none() });
    }
    assert_eq!(idle.join_all().await, [true; 3]);
    queue.add("c", Class::Urgent);
    assert_eq!(queue.counts().ready.total(), 1);

    let both = [queue.clone(), queue.clone()].map(|queue| {
        tokio::spawn(async move {
            queue.drained().await;
            Instant::now()
        })
    });
    sleep(SECOND).await;
    let end = Instant::now();
    drop(work);
    for drained in both {
        assert_eq!(drained.await.unwrap(), end);
    }
}

#[tokio::test(start_paused = true)]
async fn the_timer_ends_with_the_last_handle() {
    let metrics = Recorder::default();
    let queue = Queue::new(Backoff::default(), metrics.clone());
    queue.add("a", Class::Urgent);
    queue.add_after("b", Class::Urgent, SECOND);
    let work = take(&queue).await;
    drop(queue);
    settle().await;
    assert!(metrics.is_shared());
    drop(work);
    settle().await;
    assert!(!metrics.is_shared());
}

#[tokio::test(start_paused = true)]
async fn unfinished_work_ages() {
    let queue = queue();
    queue.add("a", Class::Urgent);
    queue.add("b", Class::Urgent);
    let first = take(&queue).await;
    sleep(3 * SECOND).await;
    let _second = take(&queue).await;
    sleep(SECOND).await;
    let unfinished = queue.unfinished();
    assert_eq!(
        (unfinished.total, unfinished.longest),
        (5 * SECOND, 4 * SECOND)
    );
    first.finish(Outcome::Done);
    assert_eq!(queue.unfinished().longest, SECOND);
}

/// A commit that moves ten thousand statuses, while other commits keep coming.
#[tokio::test(start_paused = true)]
async fn ten_thousand_moves_hold_up_no_urgent_key_and_are_all_done() {
    const WORKERS: u32 = 20;
    const RUN: Duration = Duration::from_millis(100);
    const MOVES: u32 = 10_000;
    const URGENT: u32 = 50;

    let queue = queue::<u32>();
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let queue = queue.clone();
        workers.spawn(async move {
            let mut starts = Vec::new();
            while let Some(work) = queue.take().await {
                starts.push((*work.key(), start.elapsed()));
                sleep(RUN).await;
                work.finish(Outcome::Done);
            }
            starts
        });
    }
    for key in 0..MOVES {
        queue.add(key, Class::Move);
    }
    for second in 1..=URGENT {
        sleep(SECOND).await;
        queue.add(MOVES + second, Class::Urgent);
    }
    sleep(10 * SECOND).await;
    queue.shutdown();

    let starts: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    assert_eq!(starts.len(), (MOVES + URGENT) as usize);
    let last_move = (MOVES + URGENT) / WORKERS * RUN + RUN;
    for (key, started) in starts {
        let bound = if key < MOVES {
            last_move
        } else {
            (key - MOVES) * SECOND + RUN
        };
        assert!(
            started <= bound,
            "key {key} started at {started:?}, later than {bound:?}"
        );
    }
    assert_eq!(queue.counts(), queue::Counts::default());
}
