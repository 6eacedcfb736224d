//! The state of a set of objects.

use std::sync::Arc;

use jiff::Timestamp;
use runtime::client::{ApiError, ListOptions, ResourceRef};
use serde_json::Value;

use super::{
    CustomStatus,
    kstatus::{self, Status, Verdict},
};
use crate::{
    apply::{Applier, text},
    object::{Object, ObjectId},
};

/// An object that is to be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthTarget {
    /// Which object.
    pub id: ObjectId,
    /// In which version to read it; the one that the server prefers when empty.
    pub version: String,
    /// Whether its absence means that it has done its work: a Job that deletes itself.
    pub expires: bool,
}

impl HealthTarget {
    /// The target that a manifest describes.
    pub fn of(object: &Object) -> Self {
        let id = object.id().clone();
        let is_job = id.group == "batch" && id.kind == "Job";
        let ttl = object.json().pointer("/spec/ttlSecondsAfterFinished");
        Self {
            expires: is_job && ttl.is_some_and(|ttl| !ttl.is_null()),
            version: object.version().to_owned(),
            id,
        }
    }
}

/// A set of objects under observation. An object once seen ready is not asked for again.
pub struct HealthCheck {
    items: Vec<Item>,
    custom: Option<Arc<dyn CustomStatus>>,
}

struct Item {
    target: HealthTarget,
    /// `None` until first asked for.
    verdict: Option<Verdict>,
}

/// Whether a set is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// All of it.
    Ready,
    /// Not yet.
    Waiting,
    /// It will not be: something has failed, and waiting on will not help.
    Stalled,
}

/// The states of a set at one time, in the order of the set.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The objects that are not ready, with their state.
    pub pending: Vec<(ObjectId, Verdict)>,
    /// How many objects are ready.
    pub ready: usize,
}

impl HealthCheck {
    /// A set of which nothing is known yet. Messages keep its order.
    pub fn new(targets: Vec<HealthTarget>, custom: Option<Arc<dyn CustomStatus>>) -> Self {
        let item = |target| Item {
            target,
            verdict: None,
        };
        Self {
            items: targets.into_iter().map(item).collect(),
            custom,
        }
    }

    /// Asks for every object that has not been seen ready: one GET each, side by side, and one LIST
    /// of its pods for a `StatefulSet` or `ReplicaSet` in progress.
    pub async fn check_once(&mut self, applier: &Applier) -> Summary {
        let pending: Vec<usize> = (0..self.items.len())
            .filter(|at| self.items.get(*at).is_some_and(|item| !item.is_ready()))
            .collect();
        let this = &*self;
        let verdicts = applier
            .side_by_side(&pending, |at| this.ask(applier, *at))
            .await;
        for (at, verdict) in pending.into_iter().zip(verdicts) {
            if let Some(item) = self.items.get_mut(at) {
                item.verdict = Some(verdict);
            }
        }
        self.summary()
    }

    /// What is known without asking.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for item in &self.items {
            match &item.verdict {
                Some(verdict) if verdict.status == Status::Current => summary.ready += 1,
                Some(verdict) => summary
                    .pending
                    .push((item.target.id.clone(), verdict.clone())),
                None => {
                    let unknown = Verdict::new(Status::Unknown, "");
                    summary.pending.push((item.target.id.clone(), unknown));
                }
            }
        }
        summary
    }

    async fn ask(&self, applier: &Applier, at: usize) -> Verdict {
        let Some(Item { target, .. }) = self.items.get(at) else {
            return Verdict::current();
        };
        match self.read(applier, target).await {
            Ok(verdict) => verdict,
            Err(error) if error.is_not_found() && target.expires => Verdict::current(),
            Err(error) if error.is_not_found() => {
                Verdict::new(Status::NotFound, "Resource not found")
            }
            Err(error) => Verdict::unknown(error.to_string()),
        }
    }

    async fn read(&self, applier: &Applier, target: &HealthTarget) -> Result<Verdict, ApiError> {
        let id = &target.id;
        let resource = if target.version.is_empty() {
            applier.mapper.preferred(&id.group, &id.kind).await?
        } else {
            let gvk = runtime::client::GroupVersionKind {
                group: id.group.clone(),
                version: target.version.clone(),
                kind: id.kind.clone(),
            };
            applier.mapper.resource(&gvk).await?
        };
        let live: Value = applier
            .client
            .get(resource.object(&id.namespace, &id.name))
            .await?;
        if let Some(verdict) = self.custom.as_ref().and_then(|custom| custom.status(&live)) {
            return Ok(verdict);
        }
        let now = Timestamp::now();
        let verdict = kstatus::status(&live, now);
        if verdict.status != Status::InProgress || !kstatus::owns_pods(&live) {
            return Ok(verdict);
        }
        // Of its pods only a failure counts; not to know of one is no reason to fail.
        let pods = pods_of(applier, &live).await.unwrap_or_default();
        if kstatus::has_failed_pod(&pods, now) {
            return Ok(Verdict {
                status: Status::Failed,
                ..verdict
            });
        }
        Ok(verdict)
    }
}

async fn pods_of(applier: &Applier, owner: &Value) -> Result<Vec<Value>, ApiError> {
    let pods = ResourceRef::namespaced("v1", "Pod", "pods");
    let labels = owner
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object);
    let pairs = labels.into_iter().flatten();
    let selector: Vec<_> = pairs
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if selector.is_empty() {
        return Ok(Vec::new());
    }
    let selector = selector.join(",");
    let options = ListOptions {
        labels: &selector,
        ..ListOptions::default()
    };
    applier
        .client
        .list(&pods, text(owner, "/metadata/namespace"), options)
        .await
}

impl Item {
    fn is_ready(&self) -> bool {
        self.verdict
            .as_ref()
            .is_some_and(|verdict| verdict.status == Status::Current)
    }
}

impl Summary {
    /// Whether to go on waiting. With `fail_fast` one failed object is enough to stop; without, all
    /// that are not ready must have failed.
    pub fn readiness(&self, fail_fast: bool) -> Readiness {
        let failed = |(_, verdict): &(ObjectId, Verdict)| verdict.status == Status::Failed;
        let pending = &self.pending;
        if pending.is_empty() {
            return Readiness::Ready;
        }
        let enough = if fail_fast {
            pending.iter().any(failed)
        } else {
            pending.iter().all(failed)
        };
        if enough {
            Readiness::Stalled
        } else {
            Readiness::Waiting
        }
    }

    /// The message when the deadline has passed: all that is not ready.
    pub fn timeout_message(&self) -> String {
        format!("timeout waiting for: [{}]", self.list(|_| true))
    }

    /// The message when waiting on is useless: all that has failed.
    pub fn stalled_message(&self) -> String {
        let failed = self.list(|status| status == Status::Failed);
        format!("failed early due to stalled resources: [{failed}]")
    }

    fn list(&self, wanted: impl Fn(Status) -> bool) -> String {
        let items = self
            .pending
            .iter()
            .filter(|(_, verdict)| wanted(verdict.status));
        let items = items.map(|(id, verdict)| match &verdict.error {
            None => format!("{id} status: '{}'", verdict.status),
            Some(error) => format!("{id} status: '{}': {error}", verdict.status),
        });
        items.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(statuses: &[(&str, Status)]) -> Summary {
        let pending = statuses.iter().map(|(name, status)| {
            let id = ObjectId {
                group: "apps".into(),
                kind: "Deployment".into(),
                namespace: "ns".into(),
                name: (*name).into(),
            };
            (id, Verdict::new(*status, ""))
        });
        Summary {
            pending: pending.collect(),
            ready: 1,
        }
    }

    #[test]
    fn one_failure_ends_the_wait_unless_told_otherwise() {
        use Status::{Failed, InProgress};
        let cases = [
            (&[][..], Readiness::Ready, Readiness::Ready),
            (&[("a", InProgress)], Readiness::Waiting, Readiness::Waiting),
            (
                &[("a", InProgress), ("b", Failed)],
                Readiness::Stalled,
                Readiness::Waiting,
            ),
            (
                &[("a", Failed), ("b", Failed)],
                Readiness::Stalled,
                Readiness::Stalled,
            ),
        ];
        for (statuses, fast, slow) in cases {
            let summary = summary(statuses);
            assert_eq!(
                (summary.readiness(true), summary.readiness(false)),
                (fast, slow),
                "{statuses:?}"
            );
        }
    }

    #[test]
    fn messages_list_what_they_are_about_in_the_order_of_the_set() {
        let mut summary = summary(&[("b", Status::InProgress), ("a", Status::Failed)]);
        assert_eq!(
            summary.timeout_message(),
            "timeout waiting for: [Deployment/ns/b status: 'InProgress', Deployment/ns/a status: 'Failed']"
        );
        assert_eq!(
            summary.stalled_message(),
            "failed early due to stalled resources: [Deployment/ns/a status: 'Failed']"
        );
        summary.pending.truncate(1);
        summary.pending[0].1 = Verdict::unknown("no such attribute(s): status.x");
        assert_eq!(
            summary.timeout_message(),
            "timeout waiting for: [Deployment/ns/b status: 'Unknown': no such attribute(s): status.x]"
        );
    }
}
