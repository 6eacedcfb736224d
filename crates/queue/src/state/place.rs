//! The places a key can be in, and how one more wish changes them.

use super::pending::Pending;
use crate::{Cause, Class, Time};

#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Failed attempts since the last success; not counting those that an event brought forward.
    pub(super) failures: u32,
    pub(super) place: Place,
}

#[derive(Clone, Copy)]
pub(super) enum Place {
    Waiting(Pending),
    Ready(Pending),
    Running(Run),
    /// With what ends the wait by itself: the deadline or a delayed add.
    Parked(Option<Pending>),
}

#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) started: Time,
    pub(super) class: Class,
    pub(super) cause: Cause,
    /// The run that was asked for during this one.
    pub(super) again: Option<Pending>,
    /// A wake-up during this run. It counts only if the run ends in a wait, which it may have
    /// decided on before the event.
    pub(super) woken: Option<Class>,
    /// The object was deleted during this run, whose outcome then says nothing about it.
    pub(super) forgotten: bool,
}

impl Entry {
    /// A key without failures.
    pub(super) fn new(place: Place) -> Self {
        Self { failures: 0, place }
    }

    pub(super) fn failed(self, failures: u32) -> Self {
        Self { failures, ..self }
    }

    pub(super) fn moved(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// The key once one more run is wanted.
    pub(super) fn with(self, wish: Pending, now: Time) -> Self {
        self.moved(self.place.with(wish, now))
    }
}

impl Run {
    pub(super) fn new(number: u64, started: Time, pending: &Pending) -> Self {
        Self {
            number,
            started,
            class: pending.class,
            cause: pending.cause,
            again: None,
            woken: None,
            forgotten: false,
        }
    }
}

impl Place {
    /// The place of a key that nothing but time keeps from running.
    pub(super) fn at(pending: Pending, now: Time) -> Self {
        if pending.due <= now {
            Self::Ready(pending)
        } else {
            Self::Waiting(pending)
        }
    }

    /// The place once one more run is wanted.
    pub(super) fn with(self, wish: Pending, now: Time) -> Self {
        match self {
            Self::Waiting(old) | Self::Ready(old) => Self::at(old.merge(wish, now), now),
            Self::Running(run) => Self::Running(Run {
                again: Some(join(run.again, wish, now)),
                ..run
            }),
            Self::Parked(old) => match join(old, wish, now) {
                pending if pending.due <= now => Self::Ready(pending),
                pending => Self::Parked(Some(pending)),
            },
        }
    }
}

pub(super) fn join(old: Option<Pending>, newer: Pending, now: Time) -> Pending {
    old.map_or(newer, |old| old.merge(newer, now))
}
