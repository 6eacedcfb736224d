//! What the API server holds of an object that this process writes to.
//!
//! A cache lags behind the process's own writes. A status patch is a difference: made against a state
//! that the cache has not caught up with, it would leave out what must change back. A change of the
//! finalizers carries the resource version: made against an old one, it would be a conflict with
//! oneself. So a run asks here, not the cache, what it writes over.

use kube::api::ObjectMeta;
use serde::Serialize;

use crate::{
    client::{ApiError, Client, Target},
    status,
};

/// Who writes, and to which object.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    /// The connection to the server.
    pub client: &'a Client,
    /// The object.
    pub target: Target<'a>,
    /// The field manager.
    pub field_manager: &'a str,
}

/// See the module. It lives from run to run while the cache may lag behind.
#[derive(Clone, Debug)]
pub struct Held<S> {
    /// Resource versions that our writes replaced; the cache may still show one of them.
    replaced: Vec<String>,
    version: String,
    finalizers: Vec<String>,
    status: S,
}

impl<S: Clone + Serialize> Held<S> {
    /// Begins a run: what the cache shows, unless `last` has written over it since.
    pub fn begin(last: Option<Self>, metadata: &ObjectMeta, status: &S) -> Self {
        let version = metadata.resource_version.clone().unwrap_or_default();
        match last {
            Some(last) if last.replaced.contains(&version) => last,
            _ => Self {
                replaced: Vec::new(),
                version,
                finalizers: metadata.finalizers.clone().unwrap_or_default(),
                status: status.clone(),
            },
        }
    }

    /// Ends a run: what the next one must know, if anything.
    pub fn end(self) -> Option<Self> {
        (!self.replaced.is_empty()).then_some(self)
    }

    /// The status.
    pub fn status(&self) -> &S {
        &self.status
    }

    /// The resource version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Writes `status`; nothing when it is what the server holds.
    ///
    /// # Errors
    /// The API server's, or when a status cannot be serialised.
    pub async fn write(&mut self, to: Writer<'_>, status: S) -> Result<(), ApiError> {
        let Writer {
            client,
            target,
            field_manager,
        } = to;
        let written = status::patch(client, target, field_manager, &self.status, &status).await?;
        if let Some(version) = written {
            self.replace(version);
            self.status = status;
        }
        Ok(())
    }

    /// Adds `finalizer` if it is missing.
    ///
    /// # Errors
    /// The API server's; a conflict when somebody else has changed the object since.
    pub async fn add_finalizer(&mut self, to: Writer<'_>, finalizer: &str) -> Result<(), ApiError> {
        if self.finalizers.iter().any(|name| name == finalizer) {
            return Ok(());
        }
        let mut finalizers = self.finalizers.clone();
        finalizers.push(finalizer.to_owned());
        self.set_finalizers(to, finalizers).await
    }

    /// Removes `finalizer` and leaves others alone.
    ///
    /// # Errors
    /// As [`Self::add_finalizer`].
    pub async fn remove_finalizer(
        &mut self,
        to: Writer<'_>,
        finalizer: &str,
    ) -> Result<(), ApiError> {
        let mut finalizers = self.finalizers.clone();
        finalizers.retain(|name| name != finalizer);
        if finalizers.len() == self.finalizers.len() {
            return Ok(());
        }
        self.set_finalizers(to, finalizers).await
    }

    async fn set_finalizers(
        &mut self,
        to: Writer<'_>,
        finalizers: Vec<String>,
    ) -> Result<(), ApiError> {
        let Writer {
            client,
            target,
            field_manager,
        } = to;
        let version =
            status::set_finalizers(client, target, field_manager, &self.version, &finalizers)
                .await?;
        self.replace(version);
        self.finalizers = finalizers;
        Ok(())
    }

    fn replace(&mut self, version: String) {
        self.replaced
            .push(std::mem::replace(&mut self.version, version));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(version: &str, finalizers: &[&str]) -> ObjectMeta {
        ObjectMeta {
            resource_version: Some(version.to_owned()),
            finalizers: Some(finalizers.iter().map(ToString::to_string).collect()),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn a_cache_that_lags_behind_does_not_hide_what_was_written() {
        let mut first = Held::begin(None, &metadata("1", &[]), &"cached");
        assert!(first.clone().end().is_none(), "nothing was written");
        for (version, finalizer, status) in [("2", Some("ours"), "cached"), ("3", None, "second")] {
            first.replace(version.to_owned());
            first.finalizers.extend(finalizer.map(str::to_owned));
            first.status = status;
        }
        let last = first.end();
        assert!(last.is_some());
        let cases = [
            ("1", &[][..], "cached", "3", "second"),
            ("2", &["ours"], "cached", "3", "second"),
            ("3", &["ours"], "second", "3", "second"),
            ("4", &["ours"], "foreign", "4", "foreign"),
        ];
        for (shown, finalizers, cached, version, status) in cases {
            let held = Held::begin(last.clone(), &metadata(shown, finalizers), &cached);
            assert_eq!(
                (held.version(), *held.status()),
                (version, status),
                "{shown}"
            );
            assert_eq!(held.finalizers, ["ours"], "{shown}");
        }
    }

    #[test]
    fn a_cache_that_has_caught_up_is_believed() {
        let mut held = Held::begin(None, &metadata("1", &[]), &"first");
        held.replace("2".to_owned());
        let held = Held::begin(held.end(), &metadata("2", &[]), &"second");
        assert!(held.end().is_none());
    }
}
