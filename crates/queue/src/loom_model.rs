//! [`Handoff`] under loom, which tries every interleaving of its locks and notifications.
//!
//! The file is compiled a second time, over the primitives below, so this is an ordinary test and
//! needs no `--cfg loom`. A lost wake-up shows as a deadlock, which loom reports.

#[path = "handoff.rs"]
#[expect(dead_code, reason = "the model has no use for the timer's half")]
#[expect(
    clippy::duplicate_mod,
    reason = "the second copy is over other primitives"
)]
mod handoff;

mod primitives {
    use std::collections::VecDeque;
    use std::future::poll_fn;
    use std::task::{Poll, Waker};

    pub(crate) use loom::sync::{Mutex, MutexGuard};

    use crate::Time;

    /// Time has no part in the model.
    pub(crate) struct Clock;

    impl Clock {
        #[expect(clippy::unused_self, reason = "stands in for the real clock")]
        pub(crate) fn now(&self) -> Time {
            Time::ZERO
        }
    }

    /// Tokio's `Notify`, as far as it is relied on: it holds one permit at most, and a waiter is
    /// woken for it. Weaker than tokio's in that somebody else may snatch the permit.
    pub(crate) struct Notify(Mutex<Inner>);

    #[derive(Default)]
    struct Inner {
        permit: bool,
        waiters: VecDeque<(u32, Waker)>,
        last: u32,
    }

    impl Notify {
        pub(crate) fn new() -> Self {
            Self(Mutex::new(Inner::default()))
        }

        pub(crate) fn notify_one(&self) {
            let mut inner = self.0.lock().unwrap();
            inner.permit = true;
            if let Some((_, waker)) = inner.waiters.pop_front() {
                drop(inner);
                waker.wake();
            }
        }

        pub(crate) async fn notified(&self) {
            let mut own = 0;
            poll_fn(|cx| {
                let mut inner = self.0.lock().unwrap();
                // Loom polls without a wake-up, too: the old waker must not stay behind.
                inner.waiters.retain(|(waiter, _)| *waiter != own);
                if std::mem::take(&mut inner.permit) {
                    return Poll::Ready(());
                }
                inner.last += 1;
                own = inner.last;
                inner.waiters.push_back((own, cx.waker().clone()));
                Poll::Pending
            })
            .await;
        }
    }
}

use std::sync::Arc;
use std::time::Duration;

use loom::future::block_on;
use loom::model::Builder;
use loom::thread;

use self::handoff::Handoff;
use self::primitives::Clock;
use crate::{Backoff, Class, NoMetrics, Outcome};

/// Runs `scenario` in every interleaving with at most this many forced switches.
fn explore(preemptions: usize, scenario: impl Fn(Arc<Handoff<u8>>) + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        scenario(Arc::new(Handoff::new(
            Backoff::default(),
            Arc::new(NoMetrics),
            Clock,
        )));
    });
}

fn add(queue: &Handoff<u8>, key: u8) {
    queue.add(key, Class::Urgent, Duration::ZERO);
}

/// Spawns a worker that works once and returns the key.
fn worker(
    queue: &Arc<Handoff<u8>>,
    work: impl Fn(&Handoff<u8>, u8) + 'static,
) -> thread::JoinHandle<u8> {
    let queue = Arc::clone(queue);
    thread::spawn(move || {
        let (taken, _) = block_on(queue.take()).unwrap();
        work(&queue, taken.key);
        queue.finish(&taken.key, Outcome::Done);
        taken.key
    })
}

#[test]
fn two_keys_run_side_by_side_on_two_workers() {
    use loom::sync::{Condvar, Mutex};

    explore(3, |queue| {
        let meeting = Arc::new((Mutex::new(0), Condvar::new()));
        let work = move |_: &Handoff<u8>, _| {
            let (arrived, all) = &*meeting;
            let mut arrived = arrived.lock().unwrap();
            *arrived += 1;
            all.notify_all();
            while *arrived < 2 {
                arrived = all.wait(arrived).unwrap();
            }
        };
        let workers = [worker(&queue, work.clone()), worker(&queue, work)];
        add(&queue, 1);
        add(&queue, 2);
        let mut keys = workers.map(|worker| worker.join().unwrap());
        keys.sort_unstable();
        assert_eq!(keys, [1, 2]);
    });
}

#[test]
fn a_key_added_during_its_run_runs_again_and_never_twice_at_once() {
    use loom::sync::atomic::{AtomicUsize, Ordering};

    explore(3, |queue| {
        let (runs, at_once) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = {
            let (runs, at_once) = (Arc::clone(&runs), Arc::clone(&at_once));
            move |queue: &Handoff<u8>, key| {
                assert_eq!(at_once.fetch_add(1, Ordering::SeqCst), 0);
                if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                    add(queue, key);
                }
                at_once.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let workers = [worker(&queue, work.clone()), worker(&queue, work)];
        add(&queue, 1);
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert_eq!(queue.counts().running, 0);
    });
}

#[test]
fn a_wake_is_not_lost_between_the_decision_to_wait_and_the_wait() {
    explore(3, |queue| {
        add(&queue, 1);
        let (taken, _) = block_on(queue.take()).unwrap();
        let waker = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.wake(&1, Class::Urgent))
        };
        let second = worker(&queue, |_, _| {});
        queue.finish(&taken.key, Outcome::Wait { deadline: None });
        assert_eq!(second.join().unwrap(), 1);
        waker.join().unwrap();
    });
}

#[test]
fn shutdown_reaches_every_worker_and_waits_for_the_last_run() {
    explore(2, |queue| {
        add(&queue, 1);
        let (taken, _) = block_on(queue.take()).unwrap();
        let idle = [(); 2].map(|()| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || assert!(block_on(queue.take()).is_none()))
        });
        let last = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || queue.finish(&taken.key, Outcome::Done))
        };
        queue.close();
        add(&queue, 2);
        block_on(queue.drained());
        assert_eq!(queue.counts().running, 0);
        last.join().unwrap();
        for worker in idle {
            worker.join().unwrap();
        }
        assert_eq!(queue.counts().ready.total(), 0);
    });
}

#[test]
fn an_add_supersedes_the_run_or_comes_before_it() {
    explore(3, |queue| {
        add(&queue, 1);
        let adder = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || add(&queue, 1))
        };
        let (taken, token) = block_on(queue.take()).unwrap();
        queue.finish(&taken.key, Outcome::Done);
        adder.join().unwrap();
        // Merged into the first wish, or a second one: during the run (cancelled) or after it.
        let left = queue.counts().ready.total();
        assert!(left <= 1);
        assert!(!token.is_cancelled() || left == 1);
    });
}
