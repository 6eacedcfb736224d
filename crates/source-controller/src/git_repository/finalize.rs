//! The end of an object.

use api::meta::reason::source as reason;
use kube::ResourceExt;
use runtime::{client::ApiError, controller::Ending};

use super::{act, report::Note, session::Session};

/// Removes what belongs to a deleted object, and then its finalizer.
pub(super) async fn finalize(session: &mut Session<'_>) -> Result<Ending, ApiError> {
    match act::remove(session.ctx, session.key, &session.uid()).await {
        Ok(true) => session.record(Note::trace(
            reason::GARBAGE_COLLECTION_SUCCEEDED,
            "garbage collected artifacts for deleted resource",
        )),
        Ok(false) => {}
        Err(error) => {
            let message = format!("garbage collection for deleted resource failed: {error}");
            tracing::error!(error = message, "Reconciler error");
            session.record(Note::warning(reason::GARBAGE_COLLECTION_FAILED, message));
            return Ok(Ending::Failed);
        }
    }
    if session.object.finalizers().len() > 1 {
        // Others keep the object; it must not name a file that is gone.
        session.draft.status.artifact = None;
        session.write().await?;
    }
    session.remove_finalizer().await?;
    Ok(Ending::Done)
}
