//! Metrics that can be read back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use queue::{Class, Metrics};

#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded {
    pub(crate) depth: [Option<usize>; Class::ALL.len()],
    pub(crate) added: usize,
    pub(crate) retried: usize,
    pub(crate) queued: Vec<Duration>,
    pub(crate) worked: Vec<Duration>,
    pub(crate) active: Option<usize>,
}

impl Recorder {
    pub(crate) fn read(&self) -> Recorded {
        self.0.lock().unwrap().clone()
    }

    /// Whether a queue still holds on to it.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn update(&self, change: impl FnOnce(&mut Recorded)) {
        change(&mut self.0.lock().unwrap());
    }
}

impl Metrics for Recorder {
    fn depth(&self, class: Class, keys: usize) {
        self.update(|r| r.depth[class as usize] = Some(keys));
    }
    fn added(&self) {
        self.update(|r| r.added += 1);
    }
    fn retried(&self) {
        self.update(|r| r.retried += 1);
    }
    fn queued(&self, waited: Duration) {
        self.update(|r| r.queued.push(waited));
    }
    fn worked(&self, took: Duration) {
        self.update(|r| r.worked.push(took));
    }
    fn active(&self, workers: usize) {
        self.update(|r| r.active = Some(workers));
    }
}
