//! Ready as the sum of the other conditions.
//!
//! Conditions fall into groups by polarity and status; the weightiest group that is there decides, and within it the
//! first type in the kind's order gives reason and message.
//!
//! Source: fluxcd/pkg runtime/conditions (`merge`, `SetSummary`), source-controller internal/reconcile/summarize.

use api::meta::{Condition, ConditionStatus};
use runtime::conditions::{Conditions, kind};

/// What Ready sums up for one kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summary {
    /// Types in the order of their weight.
    pub(crate) order: &'static [&'static str],
    /// Those of them that are bad when True.
    pub(crate) negative: &'static [&'static str],
    /// Those of them that, being False, decide alone.
    pub(crate) bipolar: &'static [&'static str],
}

impl Summary {
    /// Sets Ready; leaves it alone when there is nothing to sum up.
    pub(crate) fn apply(self, conditions: &mut Conditions) {
        let Some((status, reason, message)) = self.ready(conditions) else {
            return;
        };
        conditions.set(kind::READY, status, &reason, message);
    }

    fn ready(self, conditions: &Conditions) -> Option<(ConditionStatus, String, String)> {
        let copy =
            |status, from: &Condition| Some((status, from.reason.clone(), from.message.clone()));
        let failed = |kind: &&&str| conditions.is_false(kind);
        if let Some(from) = self
            .bipolar
            .iter()
            .find(failed)
            .and_then(|kind| conditions.get(kind))
        {
            return copy(ConditionStatus::False, from);
        }
        let (group, from) = self
            .order
            .iter()
            .filter_map(|kind| conditions.get(kind))
            .map(|condition| (self.group(condition), condition))
            // The first of equals.
            .min_by_key(|(group, _)| *group)?;
        copy(group.ready(), from)
    }

    fn group(self, condition: &Condition) -> Group {
        let negative = self.negative.contains(&condition.r#type.as_str());
        match (condition.status, negative) {
            (ConditionStatus::True, true) => Group::NegativeTrue,
            (ConditionStatus::False, false) => Group::PositiveFalse,
            (ConditionStatus::True, false) => Group::PositiveTrue,
            (ConditionStatus::False, true) => Group::NegativeFalse,
            (ConditionStatus::Unknown, _) => Group::Unknown,
        }
    }
}

/// The weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    NegativeTrue,
    PositiveFalse,
    PositiveTrue,
    NegativeFalse,
    Unknown,
}

impl Group {
    fn ready(self) -> ConditionStatus {
        match self {
            Self::NegativeTrue | Self::PositiveFalse => ConditionStatus::False,
            Self::PositiveTrue | Self::NegativeFalse => ConditionStatus::True,
            Self::Unknown => ConditionStatus::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::git_repository::SUMMARY;

    /// `Type=Status` words to what Ready becomes, with the type that it is copied from.
    #[test]
    fn ready_is_the_sum() {
        for (given, expected) in [
            ("", "none"),
            ("Other=False", "none"),
            ("ArtifactInStorage=True", "True ArtifactInStorage"),
            (
                "ArtifactInStorage=True FetchFailed=True",
                "False FetchFailed",
            ),
            (
                "FetchFailed=True StorageOperationFailed=True IncludeUnavailable=True",
                "False StorageOperationFailed",
            ),
            (
                "IncludeUnavailable=True ArtifactOutdated=True",
                "False IncludeUnavailable",
            ),
            (
                "ArtifactOutdated=True ArtifactInStorage=True",
                "False ArtifactOutdated",
            ),
            ("Stalled=True ArtifactInStorage=True", "False Stalled"),
            ("Stalled=True FetchFailed=True", "False FetchFailed"),
            (
                "Reconciling=True ArtifactInStorage=True",
                "False Reconciling",
            ),
            ("ArtifactInStorage=False", "False ArtifactInStorage"),
            (
                "ArtifactInStorage=True SourceVerified=True",
                "True ArtifactInStorage",
            ),
            ("SourceVerified=True", "True SourceVerified"),
            ("SourceVerified=True FetchFailed=True", "False FetchFailed"),
            (
                "SourceVerified=False FetchFailed=True",
                "False SourceVerified",
            ),
            (
                "SourceVerified=False ArtifactInStorage=True",
                "False SourceVerified",
            ),
            ("FetchFailed=False", "True FetchFailed"),
            (
                "FetchFailed=False ArtifactInStorage=True",
                "True ArtifactInStorage",
            ),
            ("FetchFailed=Unknown", "Unknown FetchFailed"),
            (
                "FetchFailed=Unknown ArtifactInStorage=True",
                "True ArtifactInStorage",
            ),
        ] {
            let mut conditions = Conditions::new(Vec::new(), 1, Timestamp::UNIX_EPOCH);
            for word in given.split_whitespace() {
                let (kind, status) = word.split_once('=').unwrap();
                let status = match status {
                    "True" => ConditionStatus::True,
                    "False" => ConditionStatus::False,
                    _ => ConditionStatus::Unknown,
                };
                conditions.set(kind, status, kind, "message");
            }
            SUMMARY.apply(&mut conditions);
            let got = conditions.get(kind::READY).map_or_else(
                || "none".to_owned(),
                |ready| format!("{:?} {}", ready.status, ready.reason),
            );
            assert_eq!(got, expected, "{given}");
        }
    }

    #[test]
    fn of_two_bipolar_failures_the_first_in_the_list_counts() {
        let summary = Summary {
            bipolar: &["SourceVerified", "SourceScanned"],
            ..SUMMARY
        };
        let mut conditions = Conditions::new(Vec::new(), 1, Timestamp::UNIX_EPOCH);
        conditions.set_false("SourceScanned", "Scan", "");
        conditions.set_false("SourceVerified", "Verify", "");
        summary.apply(&mut conditions);
        assert_eq!(conditions.get(kind::READY).unwrap().reason, "Verify");
    }
}
