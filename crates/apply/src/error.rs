//! What can go wrong while applying, worded as Flux words it.
//!
//! The texts are complete when joined with their sources by `: ` (see `runtime::log::chain`).
//! Source: fluxcd/pkg `ssa/errors/dryrun.go`, `ssa/manager_apply.go`.

use runtime::client::ApiError;

use crate::object::ObjectId;

/// Why a set was not applied.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApplyError {
    /// The server would not accept the object.
    #[error("{}", dry_run(id, error))]
    DryRun {
        /// The object.
        id: ObjectId,
        /// The server's answer.
        #[source]
        error: ApiError,
    },
    /// The server did not accept the object after all.
    #[error("{id} apply failed")]
    Apply {
        /// The object.
        id: ObjectId,
        /// The server's answer.
        #[source]
        error: ApiError,
    },
    /// The object's other managers could not be taken over.
    #[error("{id} metadata.managedFields cleanup failed")]
    Cleanup {
        /// The object.
        id: ObjectId,
        /// The server's answer.
        #[source]
        error: ApiError,
    },
    /// The object's managers could not be moved to another version.
    #[error("{id} failed to migrate API version")]
    Migrate {
        /// The object.
        id: ObjectId,
        /// The server's answer.
        #[source]
        error: ApiError,
    },
    /// The object that is to be replaced could not be deleted.
    #[error("{id} immutable field detected, failed to delete object")]
    Delete {
        /// The object.
        id: ObjectId,
        /// The server's answer.
        #[source]
        error: ApiError,
    },
    /// The object that is to be replaced did not go.
    #[error("{id} immutable field detected, failed to wait for object to be deleted")]
    WaitDeleted {
        /// The object.
        id: ObjectId,
        /// The server's last answer, or that the time is over.
        #[source]
        error: Gone,
    },
    /// The definitions or classes of a stage did not become ready.
    #[error("{0}")]
    NotReady(String),
}

/// Why an object was not seen to go.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Gone {
    /// The server could not be asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It is still there at the deadline.
    #[error("timed out waiting for the condition")]
    Late,
}

impl ApplyError {
    /// The object that failed, if it is one.
    pub fn id(&self) -> Option<&ObjectId> {
        match self {
            Self::DryRun { id, .. }
            | Self::Apply { id, .. }
            | Self::Cleanup { id, .. }
            | Self::Migrate { id, .. }
            | Self::Delete { id, .. }
            | Self::WaitDeleted { id, .. } => Some(id),
            Self::NotReady(_) => None,
        }
    }

    /// The server's answer behind it.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::DryRun { error, .. }
            | Self::Apply { error, .. }
            | Self::Cleanup { error, .. }
            | Self::Migrate { error, .. }
            | Self::Delete { error, .. }
            | Self::WaitDeleted {
                error: Gone::Api(error),
                ..
            } => Some(error),
            Self::WaitDeleted {
                error: Gone::Late, ..
            }
            | Self::NotReady(_) => None,
        }
    }
}

/// The cause by which the server says that others own fields.
const CONFLICT: &str = "FieldManagerConflict";

fn dry_run(id: &ObjectId, error: &ApiError) -> String {
    if error.is_not_found() {
        return if id.namespace.is_empty() {
            format!("{id} namespace not specified")
        } else {
            format!("{id} not found")
        };
    }
    let conflict = error.causes().iter().any(|cause| cause.reason == CONFLICT);
    match if conflict { CONFLICT } else { error.reason() } {
        "" => format!("{id} dry-run failed"),
        reason => format!("{id} dry-run failed ({reason})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dry_run_errors_read_as_fluxs() {
        let invalid = ApiError::status(422, "Invalid", "x is invalid");
        let absent = ApiError::status(404, "NotFound", "namespaces \"n\" not found");
        let unknown = ApiError::NoMatch {
            kind: "K".into(),
            place: "version \"g/v1\"".into(),
        };
        let cases = [
            (
                "n",
                &invalid,
                "K/n/a dry-run failed (Invalid): x is invalid",
            ),
            ("n", &absent, "K/n/a not found: namespaces \"n\" not found"),
            (
                "",
                &absent,
                "K/a namespace not specified: namespaces \"n\" not found",
            ),
            (
                "n",
                &unknown,
                "K/n/a dry-run failed: no matches for kind \"K\" in version \"g/v1\"",
            ),
        ];
        for (namespace, error, expected) in cases {
            let id = ObjectId {
                group: String::new(),
                kind: "K".into(),
                namespace: namespace.into(),
                name: "a".into(),
            };
            let error = ApplyError::DryRun {
                id,
                error: error.clone(),
            };
            let source = std::error::Error::source(&error).expect("source");
            assert_eq!(format!("{error}: {source}"), expected);
        }
    }
}
