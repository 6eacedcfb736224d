//! One lane. Pure.
//!
//! Invariants: of one object at most one delivery is under way, and its deliveries begin in the order in which they
//! came; objects take turns, so one that has much to say does not hold up the others.

use std::collections::{HashMap, VecDeque};

use api::event::ObjectReference;

use super::{Ending, Parcel};

/// Kind, namespace and name.
type Object = (String, String, String);

/// Deliveries for one Provider.
pub(super) struct Lane<P> {
    objects: HashMap<Object, Queue<P>>,
    /// Objects with something that may travel now, in turn.
    ready: VecDeque<Object>,
    waiting: usize,
    runners: usize,
    /// Whether the last delivery arrived.
    healthy: bool,
}

struct Queue<P> {
    waiting: VecDeque<P>,
    travelling: bool,
}

impl<P> Default for Lane<P> {
    fn default() -> Self {
        Self {
            objects: HashMap::new(),
            ready: VecDeque::new(),
            waiting: 0,
            runners: 0,
            healthy: true,
        }
    }
}

impl<P: Parcel> Lane<P> {
    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Adds one, behind those of its object.
    pub(super) fn push(&mut self, parcel: P) {
        let object = object(parcel.object());
        let queue = self.objects.entry(object.clone()).or_insert_with(|| Queue {
            waiting: VecDeque::new(),
            travelling: false,
        });
        if queue.waiting.is_empty() && !queue.travelling {
            self.ready.push_back(object);
        }
        queue.waiting.push_back(parcel);
        self.waiting += 1;
    }

    /// Whether the caller should start a runner, given that others will take `spoken_for` of what is ready.
    pub(super) fn start(&mut self, most: usize, spoken_for: usize) -> bool {
        let start = self.ready.len() > spoken_for && self.runners < self.allowed(most);
        self.runners += usize::from(start);
        start
    }

    /// The next to travel. `None` takes the runner that asks away: there is nothing for it, or there are too many.
    pub(super) fn next(&mut self, most: usize) -> Option<P> {
        let next = self.take(most);
        match next {
            Some(_) => self.waiting -= 1,
            None => self.runners -= 1,
        }
        next
    }

    fn take(&mut self, most: usize) -> Option<P> {
        if self.runners > self.allowed(most) {
            return None;
        }
        let object = self.ready.pop_front()?;
        let queue = self.objects.get_mut(&object)?;
        queue.travelling = true;
        queue.waiting.pop_front()
    }

    /// One has ended.
    pub(super) fn ended(&mut self, of: &ObjectReference, ending: Ending) {
        // What was withdrawn says nothing of the Provider.
        if ending != Ending::Withdrawn {
            self.healthy = ending == Ending::Arrived;
        }
        let object = object(of);
        let Some(queue) = self.objects.get_mut(&object) else {
            return;
        };
        queue.travelling = false;
        if queue.waiting.is_empty() {
            self.objects.remove(&object);
        } else {
            self.ready.push_back(object);
        }
    }

    /// Whether nothing waits and nobody runs.
    pub(super) fn is_over(&self) -> bool {
        self.objects.is_empty() && self.runners == 0
    }

    fn allowed(&self, most: usize) -> usize {
        if self.healthy { most } else { 1 }
    }
}

fn object(reference: &ObjectReference) -> Object {
    (
        reference.kind.clone(),
        reference.namespace.clone(),
        reference.name.clone(),
    )
}
