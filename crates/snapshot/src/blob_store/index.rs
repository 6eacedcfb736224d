//! What the store knows about its blobs: pure state, without IO.

use std::collections::{BTreeMap, HashMap};

use super::Usage;
use crate::hash::Hash;

/// Where a blob stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Someone writes, checks or evicts it; others wait.
    Moving,
    /// Referenced, but found bad; a put brings it back.
    Missing,
    /// Left by an earlier process and not hashed since.
    Unverified,
    /// Known to match its hash.
    Verified,
}

/// The blob is in motion: wait and ask again.
#[derive(Debug)]
pub(super) struct Busy;

/// What the holder of a new reference has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nothing.
    Present,
    /// See whether the file is good, write it if not, then settle.
    Check,
    /// Write it, then settle.
    Write,
}

#[derive(Debug)]
struct Slot {
    size: u64,
    /// The key in `Index::idle`; meaningful while the blob is present and unreferenced.
    idle_since: u64,
    refs: u32,
    state: State,
}

/// `bytes` sums the present blobs; `idle` has exactly the present ones without a reference, oldest
/// first.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: HashMap<Hash, Slot>,
    idle: BTreeMap<u64, Hash>,
    bytes: u64,
    idle_bytes: u64,
    releases: u64,
}

impl Slot {
    const fn present(&self) -> bool {
        matches!(self.state, State::Unverified | State::Verified)
    }
}

impl Index {
    /// Notes a blob of an earlier process; call in order of age.
    pub(super) fn found(&mut self, hash: Hash, size: u64) {
        let slot = Slot {
            size: 0,
            idle_since: 0,
            refs: 0,
            state: State::Moving,
        };
        self.slots.insert(hash, slot);
        self.settle(&hash, Some((size, State::Unverified)));
    }

    /// Takes a reference for a put. After [`Claim::Check`] and [`Claim::Write`] the blob is in
    /// motion, for the caller to settle.
    pub(super) fn claim(&mut self, hash: Hash) -> Result<Claim, Busy> {
        let slot = self.slots.entry(hash).or_insert(Slot {
            size: 0,
            idle_since: 0,
            refs: 0,
            state: State::Missing,
        });
        let claim = match slot.state {
            State::Moving => return Err(Busy),
            State::Missing => Claim::Write,
            State::Unverified => Claim::Check,
            State::Verified => Claim::Present,
        };
        self.reference(&hash);
        if claim != Claim::Present {
            self.start(&hash);
        }
        Ok(claim)
    }

    /// Takes a reference on a present blob; its size and state.
    pub(super) fn pin(&mut self, hash: &Hash) -> Result<Option<(u64, State)>, Busy> {
        match self.slots.get(hash).map(|slot| (slot.size, slot.state)) {
            Some((_, State::Moving)) => Err(Busy),
            None | Some((_, State::Missing)) => Ok(None),
            Some(present) => {
                self.reference(hash);
                Ok(Some(present))
            }
        }
    }

    /// Puts a referenced blob in motion to look at it again; false when it is missing already.
    pub(super) fn suspect(&mut self, hash: &Hash) -> Result<bool, Busy> {
        match self.slots.get(hash).map(|slot| slot.state) {
            Some(State::Moving) => Err(Busy),
            None | Some(State::Missing) => Ok(false),
            Some(State::Unverified | State::Verified) => {
                self.start(hash);
                Ok(true)
            }
        }
    }

    /// Ends a motion: the blob is present with that size and state, or missing.
    pub(super) fn settle(&mut self, hash: &Hash, outcome: Option<(u64, State)>) {
        let Some(slot) = self.slots.get_mut(hash) else {
            return;
        };
        match outcome {
            Some((size, state)) => {
                slot.size = size;
                slot.state = state;
                self.bytes += size;
            }
            None => slot.state = State::Missing,
        }
        if slot.refs == 0 {
            self.retire(hash);
        }
    }

    /// Notes that the content was found to match.
    pub(super) fn verified(&mut self, hash: &Hash) {
        if let Some(slot) = self.slots.get_mut(hash)
            && slot.state == State::Unverified
        {
            slot.state = State::Verified;
        }
    }

    /// Gives a reference back.
    pub(super) fn release(&mut self, hash: &Hash) {
        let Some(slot) = self.slots.get_mut(hash) else {
            return;
        };
        slot.refs = slot.refs.saturating_sub(1);
        if slot.refs == 0 && slot.state != State::Moving {
            self.retire(hash);
        }
    }

    /// Puts the oldest unreferenced blob in motion, for the caller to delete, if there is more than
    /// `max_bytes`; its size and state.
    pub(super) fn evict(&mut self, max_bytes: u64) -> Option<(Hash, u64, State)> {
        if self.bytes <= max_bytes {
            return None;
        }
        let (_, hash) = self.idle.pop_first()?;
        let (size, state) = self.slots.get(&hash).map(|slot| (slot.size, slot.state))?;
        self.idle_bytes -= size;
        self.start(&hash);
        Some((hash, size, state))
    }

    /// Ends a motion: the blob is gone. Nobody can have taken a reference meanwhile.
    pub(super) fn forget(&mut self, hash: &Hash) {
        self.slots.remove(hash);
    }

    pub(super) fn contains(&self, hash: &Hash) -> bool {
        self.slots.get(hash).is_some_and(Slot::present)
    }

    pub(super) fn usage(&self) -> Usage {
        let blobs = self.slots.values().filter(|slot| slot.present()).count();
        Usage {
            blobs,
            bytes: self.bytes,
            idle_bytes: self.idle_bytes,
        }
    }

    fn reference(&mut self, hash: &Hash) {
        let Some(slot) = self.slots.get_mut(hash) else {
            return;
        };
        if slot.refs == 0 && slot.present() {
            self.idle.remove(&slot.idle_since);
            self.idle_bytes -= slot.size;
        }
        slot.refs += 1;
    }

    /// The blob stops being present; its reference, if any, stays.
    fn start(&mut self, hash: &Hash) {
        let Some(slot) = self.slots.get_mut(hash) else {
            return;
        };
        if slot.present() {
            self.bytes -= slot.size;
        }
        slot.state = State::Moving;
    }

    /// Nobody references the blob any more.
    fn retire(&mut self, hash: &Hash) {
        let Some(slot) = self.slots.get_mut(hash) else {
            return;
        };
        if slot.present() {
            self.releases += 1;
            slot.idle_since = self.releases;
            self.idle_bytes += slot.size;
            self.idle.insert(slot.idle_since, *hash);
        } else {
            self.slots.remove(hash);
        }
    }
}
