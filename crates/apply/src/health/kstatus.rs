//! One object's state, read off its content: kstatus.
//!
//! The first rule that matches decides: deletion, observed generation, the conditions `Reconciling`
//! and `Stalled`, then the rule of the kind, then the condition `Ready`; an object without any of
//! these is ready. Jobs are read as Flux's own reader does: stock kstatus calls a running Job ready.
//! Source: fluxcd/cli-utils `pkg/kstatus/status` (1.2).

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

/// The state of an object. Printed as kstatus spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It gets where it should be.
    InProgress,
    /// It does not, and will not without help.
    Failed,
    /// It is where it should be.
    Current,
    /// It is being deleted.
    Terminating,
    /// It is not there.
    NotFound,
    /// It cannot be told.
    Unknown,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Current => "Current",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}

/// A state and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub status: Status,
    /// What is missing, for people; may be empty.
    pub message: String,
    /// Why the state cannot be told, where it cannot.
    pub error: Option<String>,
}

impl Verdict {
    /// A state with a message.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            error: None,
        }
    }

    /// A state that cannot be told.
    pub fn unknown(error: impl Into<String>) -> Self {
        Self {
            status: Status::Unknown,
            message: String::new(),
            error: Some(error.into()),
        }
    }

    pub(super) fn current() -> Self {
        Self::new(Status::Current, "")
    }

    fn in_progress(message: impl Into<String>) -> Self {
        Self::new(Status::InProgress, message)
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::new(Status::Failed, message)
    }
}

/// A pod that nobody can take is given this long since its creation.
const SCHEDULE_WINDOW: Duration = Duration::from_secs(15);

/// The state of `object`, a whole object; `now` is the server's time, good to a few seconds.
pub fn status(object: &Value, now: Timestamp) -> Verdict {
    if let Some(verdict) = generic(object) {
        return verdict;
    }
    let (group, kind) = group_kind(object);
    match (group, kind) {
        ("apps" | "extensions", "Deployment") => deployment(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("batch", "Job") => job(object),
        ("batch", "CronJob") | ("", "ConfigMap" | "Secret") | ("policy", "PodDisruptionBudget") => {
            Verdict::current()
        }
        ("", "Service") => service(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Pod") => pod(object, now),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => ready(object),
    }
}

/// Whether an object in progress of this kind fails with its pods.
pub(super) fn owns_pods(object: &Value) -> bool {
    matches!(
        group_kind(object),
        ("apps" | "extensions", "ReplicaSet") | ("apps", "StatefulSet")
    )
}

/// Whether `pods` hold one that has failed for good, as a reader of their owner sees it: not one
/// that is being deleted or waits for a node.
pub(super) fn has_failed_pod(pods: &[Value], now: Timestamp) -> bool {
    pods.iter().any(|pod| {
        let unscheduled =
            condition(pod, "PodScheduled").is_some_and(|c| c.reason == "Unschedulable");
        // Objects of a list carry no kind, so that the rule of pods is named here.
        let verdict = generic(pod).unwrap_or_else(|| self::pod(pod, now));
        verdict.status == Status::Failed && !unscheduled
    })
}

fn group_kind(object: &Value) -> (&str, &str) {
    let api_version = text(object, "/apiVersion");
    (
        api_version.split_once('/').map_or("", |(group, _)| group),
        text(object, "/kind"),
    )
}

fn generic(object: &Value) -> Option<Verdict> {
    if !text(object, "/metadata/deletionTimestamp").is_empty() {
        return Some(Verdict::new(
            Status::Terminating,
            "Resource scheduled for deletion",
        ));
    }
    let generation = object
        .pointer("/metadata/generation")
        .and_then(Value::as_i64);
    let observed = object
        .pointer("/status/observedGeneration")
        .and_then(Value::as_i64);
    if let (Some(generation), Some(observed)) = (generation, observed)
        && generation != observed
    {
        return Some(Verdict::in_progress(format!(
            "{} generation is {generation}, but latest observed generation is {observed}",
            text(object, "/kind"),
        )));
    }
    if let Some(reconciling) = condition(object, "Reconciling").filter(|c| c.status == "True") {
        return Some(Verdict::in_progress(reconciling.message));
    }
    let stalled = condition(object, "Stalled").filter(|c| c.status == "True")?;
    Some(Verdict::failed(stalled.message))
}

fn ready(object: &Value) -> Verdict {
    match condition(object, "Ready") {
        Some(ready) if ready.status == "True" => Verdict::current(),
        Some(ready) => Verdict::in_progress(ready.message),
        None => Verdict::current(),
    }
}

fn deployment(object: &Value) -> Verdict {
    let progressing = condition(object, "Progressing");
    if progressing
        .as_ref()
        .is_some_and(|c| c.reason == "ProgressDeadlineExceeded")
    {
        return Verdict::failed("Progress deadline exceeded");
    }
    let settled = object.pointer("/spec/progressDeadlineSeconds").is_none()
        || progressing.is_some_and(|c| c.status == "True" && c.reason == "NewReplicaSetAvailable");
    let available = condition(object, "Available").is_some_and(|c| c.status == "True");
    let wanted = count(object, "/spec/replicas", 1);
    let of = |field: &str| count(object, &format!("/status/{field}"), 0);
    let (total, updated) = (of("replicas"), of("updatedReplicas"));
    first_of([
        (total < wanted, format!("replicas: {total}/{wanted}")),
        (updated < wanted, format!("Updated: {updated}/{wanted}")),
        (
            total > wanted,
            format!("Pending termination: {}", total - wanted),
        ),
        (
            of("availableReplicas") < updated,
            format!("Available: {}/{updated}", of("availableReplicas")),
        ),
        (
            of("readyReplicas") < wanted,
            format!("Ready: {}/{wanted}", of("readyReplicas")),
        ),
        (!settled, "ReplicaSet not Available".into()),
        (!available, "Deployment not Available".into()),
    ])
}

fn replica_set(object: &Value) -> Verdict {
    let wanted = count(object, "/spec/replicas", 1);
    let of = |field: &str| count(object, &format!("/status/{field}"), 0);
    let failure = condition(object, "ReplicaFailure").filter(|c| c.status == "True");
    let (labelled, available) = (of("fullyLabeledReplicas"), of("availableReplicas"));
    let (ready, total) = (of("readyReplicas"), of("replicas"));
    first_of([
        (
            failure.is_some(),
            "Replica Failure condition. Check Pods".into(),
        ),
        (labelled < wanted, format!("Labelled: {labelled}/{wanted}")),
        (
            available < wanted,
            format!("Available: {available}/{wanted}"),
        ),
        (ready < wanted, format!("Ready: {ready}/{wanted}")),
        (total > wanted, format!("replicas: {total}/{wanted}")),
    ])
}

fn daemon_set(object: &Value) -> Verdict {
    let observed = object.pointer("/status/observedGeneration").is_some();
    let wanted = count(object, "/status/desiredNumberScheduled", -1);
    let of = |field: &str| count(object, &format!("/status/{field}"), 0);
    let current = of("currentNumberScheduled");
    let (updated, available) = (of("updatedNumberScheduled"), of("numberAvailable"));
    first_of([
        (!observed, "missing .status.observedGeneration".into()),
        (
            wanted == -1,
            "Missing .status.desiredNumberScheduled".into(),
        ),
        (current < wanted, format!("Current: {current}/{wanted}")),
        (updated < wanted, format!("Updated: {updated}/{wanted}")),
        (
            available < wanted,
            format!("Available: {available}/{wanted}"),
        ),
        (
            of("numberReady") < wanted,
            format!("Ready: {}/{wanted}", of("numberReady")),
        ),
    ])
}

fn stateful_set(object: &Value) -> Verdict {
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Verdict::current();
    }
    let wanted = count(object, "/spec/replicas", 1);
    let of = |field: &str| count(object, &format!("/status/{field}"), 0);
    let (total, ready, current) = (of("replicas"), of("readyReplicas"), of("currentReplicas"));
    let counted = first_of([
        (total < wanted, format!("Replicas: {total}/{wanted}")),
        (ready < wanted, format!("Ready: {ready}/{wanted}")),
        (
            total > wanted,
            format!("Pending termination: {}", total - wanted),
        ),
    ]);
    if counted.status != Status::Current {
        return counted;
    }
    let partition = count(object, "/spec/updateStrategy/rollingUpdate/partition", -1);
    if partition != -1 {
        let (updated, due) = (of("updatedReplicas"), wanted - partition);
        return first_of([(updated < due, format!("updated: {updated}/{due}"))]);
    }
    let settled = text(object, "/status/currentRevision") == text(object, "/status/updateRevision");
    first_of([
        (current < wanted, format!("current: {current}/{wanted}")),
        (
            !settled,
            "Waiting for updated revision to match current".into(),
        ),
    ])
}

fn job(object: &Value) -> Verdict {
    let is = |kind: &str| condition(object, kind).filter(|c| c.status == "True");
    if object
        .pointer("/spec/suspend")
        .is_some_and(|suspend| suspend == true)
        || is("Complete").is_some()
    {
        return Verdict::current();
    }
    match is("Failed") {
        Some(failed) => Verdict::failed(failed.message),
        None => Verdict::in_progress("Job in progress"),
    }
}

fn service(object: &Value) -> Verdict {
    let waits =
        text(object, "/spec/type") == "LoadBalancer" && text(object, "/spec/clusterIP").is_empty();
    first_of([(
        waits,
        "ClusterIP not set. Service type: LoadBalancer".into(),
    )])
}

fn claim(object: &Value) -> Verdict {
    let phase = text(object, "/status/phase");
    first_of([(
        phase != "Bound",
        format!("PVC is not Bound. phase: {phase}"),
    )])
}

fn pod(object: &Value, now: Timestamp) -> Verdict {
    let phase = text(object, "/status/phase");
    let unschedulable = condition(object, "PodScheduled")
        .is_some_and(|c| c.status == "False" && c.reason == "Unschedulable");
    match phase {
        // A failed pod is where it will stay; what becomes of it is its owner's business.
        "Succeeded" | "Failed" => return Verdict::current(),
        "Running" if condition(object, "Ready").is_some_and(|c| c.status == "True") => {
            return Verdict::current();
        }
        _ => {}
    }
    if unschedulable && phase != "Running" {
        let created = text(object, "/metadata/creationTimestamp").parse::<Timestamp>();
        let waited = created
            .ok()
            .and_then(|created| Duration::try_from(now.duration_since(created)).ok());
        return if waited.is_some_and(|waited| waited > SCHEDULE_WINDOW) {
            Verdict::failed("Pod could not be scheduled")
        } else {
            Verdict::in_progress("Pod has not been scheduled")
        };
    }
    let crashing = crashing_containers(object);
    if !crashing.is_empty() {
        return Verdict::failed(format!(
            "Containers in CrashLoop state: {}",
            crashing.join(",")
        ));
    }
    Verdict::in_progress(match phase {
        "Running" => "Pod is running but is not Ready",
        "Pending" => "Pod is in the Pending phase",
        _ => "Pod phase not available",
    })
}

fn crashing_containers(pod: &Value) -> Vec<&str> {
    let places = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let containers = places
        .iter()
        .filter_map(|place| pod.pointer(place)?.as_array())
        .flatten();
    containers
        .filter(|container| text(container, "/state/waiting/reason") == "CrashLoopBackOff")
        .map(|container| text(container, "/name"))
        .collect()
}

fn definition(object: &Value) -> Verdict {
    if let Some(names) = condition(object, "NamesAccepted").filter(|c| c.status == "False") {
        return Verdict::failed(names.message);
    }
    match condition(object, "Established") {
        Some(established) if established.status == "True" => Verdict::current(),
        Some(established)
            if established.status == "False" && established.reason != "Installing" =>
        {
            Verdict::failed(established.message)
        }
        _ => Verdict::in_progress("Install in progress"),
    }
}

/// In progress with the message of the first fault, else ready.
fn first_of<const N: usize>(faults: [(bool, String); N]) -> Verdict {
    let fault = faults.into_iter().find(|(is, _)| *is);
    fault.map_or_else(Verdict::current, |(_, message)| {
        Verdict::in_progress(message)
    })
}

struct Condition<'a> {
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let found = conditions
        .iter()
        .find(|condition| text(condition, "/type") == kind)?;
    Some(Condition {
        status: text(found, "/status"),
        reason: text(found, "/reason"),
        message: text(found, "/message"),
    })
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn count(object: &Value, pointer: &str, default: i64) -> i64 {
    object
        .pointer(pointer)
        .and_then(Value::as_i64)
        .unwrap_or(default)
}

#[cfg(test)]
mod tests;
