//! Whether the API server refused an update because a field cannot change.
//!
//! Flux takes any 409 or 422 for that. Here the server's own causes must say so: it answers
//! `Invalid`, and one of the causes is worded as the validations of immutable fields are. That a
//! wording may mislead costs nothing: before anything is deleted, the server is asked whether it
//! would accept the object as new (see [`crate::recreate`]).
//!
//! Source: kubernetes `pkg/apis/*/validation` (1.33-1.36), by kind: `field is immutable` is shared by
//! most; the others word it themselves.

use runtime::client::{ApiError, Reason};

/// How the validations word that a field cannot change. Lower case.
const WORDINGS: [&str; 9] = [
    // `ValidateImmutableField`, PersistentVolume and -Claim, CEL rules of most custom resources.
    "immutable",
    // RoleBinding, ClusterRoleBinding.
    "cannot change roleref",
    // Service addresses.
    "may not change once set",
    // StatefulSet, Pod.
    "updates to statefulset spec for fields other than",
    "pod updates may not change fields",
    // StorageClass.
    "updates to provisioner are forbidden",
    "updates to parameters are forbidden",
    "updates to reclaimpolicy are forbidden",
    // PriorityClass.
    "may not be changed in an update",
];

/// Whether `error` says that a field cannot change.
pub fn is_immutable(error: &ApiError) -> bool {
    error.is(Reason::Invalid)
        && error.causes().iter().any(|cause| {
            let text = cause.message.to_lowercase();
            WORDINGS.iter().any(|wording| text.contains(wording))
        })
}

#[cfg(test)]
mod tests {
    use runtime::client::{Cause, Status};

    use super::*;

    fn error(reason: &str, causes: &[&str]) -> ApiError {
        let cause = |message: &&str| Cause {
            message: (*message).into(),
            ..Cause::default()
        };
        let mut status = Status {
            reason: reason.into(),
            ..Status::default()
        };
        status.details.causes = causes.iter().map(cause).collect();
        ApiError::Status(Box::new(status))
    }

    #[test]
    fn only_a_cause_of_an_invalid_object_counts() {
        let cases = [
            (
                "Invalid",
                vec!["Invalid value: {}: field is immutable"],
                true,
            ),
            (
                "Invalid",
                vec!["Forbidden: field is immutable when `immutable` is set"],
                true,
            ),
            (
                "Invalid",
                vec!["Required value", "Invalid value: {}: cannot change roleRef"],
                true,
            ),
            (
                "Invalid",
                vec!["Invalid value: -1: must be greater than or equal to 0"],
                false,
            ),
            ("Invalid", vec![], false),
            ("Conflict", vec!["field is immutable"], false),
            ("Forbidden", vec!["field is immutable"], false),
        ];
        for (reason, causes, expected) in cases {
            assert_eq!(
                is_immutable(&error(reason, &causes)),
                expected,
                "{reason} {causes:?}"
            );
        }
    }
}
