//! Conditions, edited in memory.
//!
//! A condition's `lastTransitionTime` moves exactly when its status, reason or message does, to the
//! second; its `observedGeneration` is the object's generation at the time it was set. Messages are
//! cut at 32768 bytes. The list is kept sorted: Stalled, Reconciling, Ready, then the others by
//! observed generation (newest first) and type. Source: fluxcd/pkg `runtime/conditions`.

use std::cmp::Reverse;

use api::meta::{Condition, ConditionStatus, reason};
use jiff::Timestamp;

/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 32_768;

/// The type names that every kind shares.
pub mod kind {
    pub use api::meta::condition::{READY, RECONCILING, STALLED};
}

/// The conditions of one object, and what stamps those that are set.
#[derive(Clone, Debug)]
pub struct Conditions {
    list: Vec<Condition>,
    generation: i64,
    now: Timestamp,
}

impl Conditions {
    /// The conditions `list` of an object at `generation`; those set from here on are dated `now`.
    pub fn new(list: Vec<Condition>, generation: i64, now: Timestamp) -> Self {
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self {
            list,
            generation,
            now,
        }
    }

    /// The condition of type `kind`.
    pub fn get(&self, kind: &str) -> Option<&Condition> {
        self.list.iter().find(|condition| condition.r#type == kind)
    }

    /// Whether `kind` is True.
    pub fn is_true(&self, kind: &str) -> bool {
        self.has(kind, ConditionStatus::True)
    }

    /// Whether `kind` is False.
    pub fn is_false(&self, kind: &str) -> bool {
        self.has(kind, ConditionStatus::False)
    }

    /// Whether `kind` is Unknown. An absent condition is not.
    pub fn is_unknown(&self, kind: &str) -> bool {
        self.has(kind, ConditionStatus::Unknown)
    }

    fn has(&self, kind: &str, status: ConditionStatus) -> bool {
        self.get(kind)
            .is_some_and(|condition| condition.status == status)
    }

    /// Sets the condition `kind`.
    pub fn set(
        &mut self,
        kind: &str,
        status: ConditionStatus,
        reason: &str,
        message: impl Into<String>,
    ) {
        let message = cut(message.into());
        let generation = Some(self.generation);
        if let Some(condition) = self
            .list
            .iter_mut()
            .find(|condition| condition.r#type == kind)
        {
            let same = condition.status == status
                && condition.reason == reason
                && condition.message == message;
            condition.observed_generation = generation;
            if !same {
                condition.status = status;
                reason.clone_into(&mut condition.reason);
                condition.message = message;
                condition.last_transition_time = self.now;
            }
        } else {
            self.list.push(Condition {
                r#type: kind.to_owned(),
                status,
                observed_generation: generation,
                last_transition_time: self.now,
                reason: reason.to_owned(),
                message,
            });
        }
        self.list.sort_by(|a, b| rank(a).cmp(&rank(b)));
    }

    /// Sets `kind` to True.
    pub fn set_true(&mut self, kind: &str, reason: &str, message: impl Into<String>) {
        self.set(kind, ConditionStatus::True, reason, message);
    }

    /// Sets `kind` to False.
    pub fn set_false(&mut self, kind: &str, reason: &str, message: impl Into<String>) {
        self.set(kind, ConditionStatus::False, reason, message);
    }

    /// Sets `kind` to Unknown.
    pub fn set_unknown(&mut self, kind: &str, reason: &str, message: impl Into<String>) {
        self.set(kind, ConditionStatus::Unknown, reason, message);
    }

    /// Removes `kind`.
    pub fn remove(&mut self, kind: &str) {
        self.list.retain(|condition| condition.r#type != kind);
    }

    /// Marks work under way: Reconciling True, and no longer Stalled.
    pub fn set_reconciling(&mut self, reason: &str, message: impl Into<String>) {
        self.remove(kind::STALLED);
        self.set_true(kind::RECONCILING, reason, message);
    }

    /// Marks that nothing more happens until something changes: Stalled True, not Reconciling.
    pub fn set_stalled(&mut self, reason: &str, message: impl Into<String>) {
        self.remove(kind::RECONCILING);
        self.set_true(kind::STALLED, reason, message);
    }

    /// Says in a Reconciling condition that is still there that the work will be retried.
    pub fn set_retrying(&mut self) {
        if let Some(condition) = self.get(kind::RECONCILING) {
            let message = condition.message.clone();
            self.set_true(kind::RECONCILING, reason::PROGRESSING_WITH_RETRY, message);
        }
    }

    /// The generation that is stamped on what is set.
    pub fn generation(&self) -> i64 {
        self.generation
    }

    /// The list, as it belongs into a status.
    pub fn into_list(self) -> Vec<Condition> {
        self.list
    }

    /// The list so far.
    pub fn as_list(&self) -> &[Condition] {
        &self.list
    }
}

fn rank(condition: &Condition) -> (u8, Reverse<i64>, &str) {
    let first = match condition.r#type.as_str() {
        kind::STALLED => 0,
        kind::RECONCILING => 1,
        kind::READY => 2,
        _ => {
            return (
                3,
                Reverse(condition.observed_generation.unwrap_or(0)),
                &condition.r#type,
            );
        }
    };
    (first, Reverse(0), "")
}

fn cut(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE - 3));
        message.push_str("...");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_time_moves_with_status_reason_or_message_only() {
        let mut conditions = Conditions::new(Vec::new(), 1, at(100));
        conditions.set_true(kind::READY, "Succeeded", "done");
        for (generation, reason, message, moved) in [
            (2, "Succeeded", "done", false),
            (2, "Succeeded", "done again", true),
            (2, "Failed", "done again", true),
        ] {
            let before = conditions.get(kind::READY).unwrap().last_transition_time;
            let later = Timestamp::from_second(before.as_second() + 60).unwrap();
            conditions = Conditions::new(conditions.into_list(), generation, later);
            conditions.set_true(kind::READY, reason, message);
            let ready = conditions.get(kind::READY).unwrap();
            assert_eq!(
                ready.last_transition_time != before,
                moved,
                "{reason} {message}"
            );
            assert_eq!(ready.observed_generation, Some(generation));
        }
    }

    #[test]
    fn the_list_is_sorted_as_flux_prints_it() {
        let mut conditions = Conditions::new(Vec::new(), 1, at(0));
        conditions.set_true("SourceVerified", "r", "");
        conditions.set_true("ArtifactInStorage", "r", "");
        conditions.set_true(kind::READY, "r", "");
        let mut conditions = Conditions::new(conditions.into_list(), 2, at(0));
        conditions.set_true("ZNewest", "r", "");
        conditions.set_true(kind::RECONCILING, "r", "");
        let order: Vec<_> = conditions
            .as_list()
            .iter()
            .map(|c| c.r#type.as_str())
            .collect();
        assert_eq!(
            order,
            [
                "Reconciling",
                "Ready",
                "ZNewest",
                "ArtifactInStorage",
                "SourceVerified"
            ]
        );
    }

    #[test]
    fn stalled_and_reconciling_exclude_each_other() {
        let mut conditions = Conditions::new(Vec::new(), 1, at(0));
        conditions.set_reconciling("Progressing", "working");
        conditions.set_retrying();
        assert_eq!(
            conditions.get(kind::RECONCILING).unwrap().reason,
            "ProgressingWithRetry"
        );
        assert_eq!(
            conditions.get(kind::RECONCILING).unwrap().message,
            "working"
        );
        conditions.set_stalled("URLInvalid", "no");
        assert!(conditions.get(kind::RECONCILING).is_none());
        conditions.set_reconciling("Progressing", "working");
        assert!(conditions.get(kind::STALLED).is_none());
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let cut = cut("é".repeat(MAX_MESSAGE));
        assert!(cut.len() <= MAX_MESSAGE && cut.ends_with("é..."));
    }
}
