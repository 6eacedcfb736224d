//! Asking for a look at the objects that a receiver names: an annotation with a value that was never there before.
//!
//! Objects are read only where a filter looks at them, and then their metadata only, live: a cache of all objects of
//! whatever kinds receivers name would be a price that one request can set. A crowd of requests about one object is
//! answered by one write. All objects are tried, whatever becomes of the others.
//!
//! Source: notification-controller `internal/server/receiver_handlers.go`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use api::{
    meta::annotation::RECONCILE_REQUEST,
    notification::{CrossNamespaceObjectReference, receiver::ReceiverResource},
};
use expression::EvaluateError;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use runtime::client::{ApiError, GroupVersionKind, ListOptions, ResourceRef, WriteOptions};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{flights::Flights, hooks::Hook};
use crate::{
    context::{CONTROLLER, Context},
    receiver::{Filters, Scene},
};

/// Requests to the API server of each kind that are under way at once.
const UNDER_WAY: usize = 32;

/// Objects of one receiver's resource that are worked on at once.
const ABREAST: usize = 8;

/// See the module.
pub(super) struct Notifier {
    context: Arc<Context>,
    reads: Flights<Subject, Result<Arc<Value>, ApiError>>,
    lists: Flights<Group, Result<Arc<Vec<Value>>, ApiError>>,
    writes: Flights<Subject, Result<(), ApiError>>,
    /// The last value that was written.
    last: Mutex<Timestamp>,
}

/// An object.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Subject {
    resource: Arc<ResourceRef>,
    namespace: String,
    name: String,
}

/// Objects with the same labels.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Group {
    resource: Arc<ResourceRef>,
    namespace: String,
    labels: String,
}

/// Why a resource is not, or not wholly, notified. For the log only.
#[derive(Debug, thiserror::Error)]
enum NotifyError {
    #[error("cross-namespace references are not allowed")]
    CrossNamespace,
    #[error("apiVersion must be specified for kind {0:?}")]
    ApiVersion(String),
    #[error("matchLabels field not set when using wildcard '*' as name")]
    NoLabels,
    #[error("matchLabels are not valid: {0:?}")]
    Labels(BTreeMap<String, String>),
    #[error("{0}")]
    Kind(ApiError),
    #[error(
        "failed listing resources in namespace {namespace:?} by matching labels {labels:?}: {error}"
    )]
    List {
        namespace: String,
        labels: String,
        error: ApiError,
    },
    #[error("unable to read {object} error: {error}")]
    Read { object: String, error: ApiError },
    #[error("{0}")]
    Filter(#[from] EvaluateError),
    #[error("failed to annotate resource: '{object}': {error}")]
    Write { object: String, error: ApiError },
}

/// A receiver's resource, in a call.
#[derive(Clone, Copy)]
struct Order<'a> {
    index: usize,
    filters: &'a Filters,
    scene: Scene<'a>,
}

impl Notifier {
    /// A notifier that knows nothing yet.
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            reads: Flights::new(UNDER_WAY),
            lists: Flights::new(UNDER_WAY),
            writes: Flights::new(UNDER_WAY),
            last: Mutex::default(),
        }
    }

    /// Notifies all that a receiver names and its filters, which must compile, accept. Whether nothing went wrong.
    pub(super) async fn notify(&self, hook: &Hook, scene: Scene<'_>) -> bool {
        let Ok(filters) = hook.filters() else {
            return false;
        };
        let notify = async |(index, resource): (usize, &ReceiverResource)| {
            let order = Order {
                index,
                filters,
                scene,
            };
            let reference = &resource.reference;
            let result = self.resource(&hook.key.namespace, reference, order).await;
            if let Err(error) = &result {
                tracing::error!(
                    error = %error,
                    resource = %json!(reference),
                    "unable to request reconciliation"
                );
            }
            result.is_ok()
        };
        stream::iter(hook.receiver.spec.resources.iter().enumerate())
            .map(notify)
            .buffer_unordered(ABREAST)
            .fold(true, async |all, one| all && one)
            .await
    }

    async fn resource(
        &self,
        own: &str,
        reference: &CrossNamespaceObjectReference,
        order: Order<'_>,
    ) -> Result<(), NotifyError> {
        let namespace = reference.namespace_or(own);
        if namespace != own && self.context.config.no_cross_namespace_refs {
            return Err(NotifyError::CrossNamespace);
        }
        let api_version = api_version(reference)?;
        let gvk = GroupVersionKind::parse(api_version, &reference.kind);
        let mapper = &self.context.mapper;
        let resource = mapper.resource(&gvk).await.map_err(NotifyError::Kind)?;
        if reference.is_wildcard() {
            return self.group(resource, namespace, reference, order).await;
        }
        let subject = Subject {
            resource,
            namespace: namespace.to_owned(),
            name: reference.name.clone(),
        };
        if order.filters.concern(order.index) {
            let read = self.reads.join(subject.clone(), || self.read(&subject));
            let object = read.await.map_err(|error| NotifyError::Read {
                object: subject.to_string(),
                error,
            })?;
            self.object(subject, Some(&object), order).await
        } else {
            self.object(subject, None, order).await
        }
    }

    async fn group(
        &self,
        resource: Arc<ResourceRef>,
        namespace: &str,
        reference: &CrossNamespaceObjectReference,
        order: Order<'_>,
    ) -> Result<(), NotifyError> {
        let labels = reference
            .match_labels
            .as_ref()
            .ok_or(NotifyError::NoLabels)?;
        let group = Group {
            resource,
            namespace: namespace.to_owned(),
            labels: selector(labels).ok_or_else(|| NotifyError::Labels(labels.clone()))?,
        };
        let list = self.lists.join(group.clone(), || self.list(&group));
        let objects = list.await.map_err(|error| NotifyError::List {
            namespace: group.namespace.clone(),
            labels: group.labels.clone(),
            error,
        })?;
        if objects.is_empty() {
            tracing::error!(
                error = format!(
                    "no {:?} resources found with matching labels {:?} in {namespace:?} namespace",
                    reference.kind, group.labels
                ),
                "error annotating resources"
            );
        }
        let notify = async |object: &Value| {
            let subject = Subject {
                resource: Arc::clone(&group.resource),
                namespace: group.namespace.clone(),
                name: object["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            };
            self.object(subject, Some(object), order).await
        };
        stream::iter(objects.iter())
            .map(notify)
            .buffer_unordered(ABREAST)
            .fold(Ok(()), async |all, one| all.and(one))
            .await
    }

    /// Notifies one object if the filters accept it; they have nothing to say of one that was not read.
    async fn object(
        &self,
        subject: Subject,
        object: Option<&Value>,
        order: Order<'_>,
    ) -> Result<(), NotifyError> {
        if let Some(object) = object {
            // Filters may be expensive and objects many: in between it is others' turn.
            tokio::task::yield_now().await;
            if !order.filters.accept(order.index, object, order.scene)? {
                tracing::debug!(
                    "resource '{subject}' NOT annotated because CEL expression returned false"
                );
                return Ok(());
            }
        }
        let write = self
            .writes
            .join(subject.clone(), || self.annotate(&subject));
        write.await.map_err(|error| NotifyError::Write {
            object: subject.to_string(),
            error,
        })?;
        tracing::info!("resource '{subject}' annotated");
        Ok(())
    }

    async fn read(&self, subject: &Subject) -> Result<Arc<Value>, ApiError> {
        let target = subject.resource.object(&subject.namespace, &subject.name);
        let object = self.context.client.get_metadata(target).await;
        let object = self.served(&subject.resource, object)?;
        Ok(Arc::new(typed(object, &subject.resource)))
    }

    async fn list(&self, group: &Group) -> Result<Arc<Vec<Value>>, ApiError> {
        let options = ListOptions {
            labels: &group.labels,
            metadata_only: true,
            ..ListOptions::default()
        };
        let client = &self.context.client;
        let objects = client
            .list(&group.resource, &group.namespace, options)
            .await;
        let objects: Vec<Value> = self.served(&group.resource, objects)?;
        let typed = objects
            .into_iter()
            .map(|object| typed(object, &group.resource));
        Ok(Arc::new(typed.collect()))
    }

    async fn annotate(&self, subject: &Subject) -> Result<(), ApiError> {
        let target = subject.resource.object(&subject.namespace, &subject.name);
        let request = unique(&self.last, Timestamp::now()).to_string();
        let patch = json!({ "metadata": { "annotations": { RECONCILE_REQUEST: request } } });
        let options = WriteOptions {
            field_manager: Some(CONTROLLER),
            ..WriteOptions::default()
        };
        let client = &self.context.client;
        let patch = patch.to_string().into();
        let written = client
            .merge_patch::<IgnoredAny>(target, patch, options)
            .await;
        self.served(&subject.resource, written).map(|_| ())
    }

    /// Forgets a kind that turns out not to be served any more.
    fn served<T>(
        &self,
        resource: &ResourceRef,
        answer: Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        if answer.as_ref().is_err_and(ApiError::is_unserved) {
            self.context.mapper.forget(resource);
        }
        answer
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}.{}", self.resource.kind, self.name, self.namespace)
    }
}

/// The version under which a kind is served, where the reference does not say.
fn api_version(reference: &CrossNamespaceObjectReference) -> Result<&str, NotifyError> {
    if let Some(version) = reference
        .api_version
        .as_deref()
        .filter(|version| !version.is_empty())
    {
        return Ok(version);
    }
    Ok(match reference.kind.as_str() {
        "Bucket" | "GitRepository" | "HelmChart" | "HelmRepository" | "OCIRepository" => {
            "source.toolkit.fluxcd.io/v1"
        }
        "ImageRepository" => "image.toolkit.fluxcd.io/v1",
        "ArtifactGenerator" => "source.extensions.fluxcd.io/v1beta1",
        kind => return Err(NotifyError::ApiVersion(kind.to_owned())),
    })
}

/// The label selector of a set of labels; none if one could be read as something else.
fn selector(labels: &BTreeMap<String, String>) -> Option<String> {
    let is_name = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && text.len() <= 63
    };
    let is_key = |key: &str| {
        let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        !name.is_empty() && is_name(name) && prefix.bytes().all(plain)
    };
    let terms = labels.iter().map(|(key, value)| {
        let valid = is_key(key) && is_name(value);
        valid.then(|| format!("{key}={value}"))
    });
    Some(terms.collect::<Option<Vec<_>>>()?.join(","))
}

/// An object's metadata as filters see it: under the object's own kind.
fn typed(mut object: Value, resource: &ResourceRef) -> Value {
    object["apiVersion"] = resource.api_version().into();
    object["kind"] = resource.kind.as_str().into();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

/// The time, or a little later if that, or a later one, was taken before.
fn unique(last: &Mutex<Timestamp>, now: Timestamp) -> Timestamp {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let next = last.saturating_add(SignedDuration::from_nanos(1));
    *last = next.map_or(now, |next| now.max(next));
    *last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_never_taken_twice() {
        let last = Mutex::default();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let earlier = Timestamp::from_second(1_600_000_000).unwrap();
        let taken = [now, now, earlier].map(|now| unique(&last, now).to_string());
        assert_eq!(
            taken,
            [
                "2023-11-14T22:13:20Z",
                "2023-11-14T22:13:20.000000001Z",
                "2023-11-14T22:13:20.000000002Z"
            ]
        );
    }

    #[test]
    fn labels_that_could_be_read_otherwise_are_refused() {
        for (labels, expected) in [
            (&[][..], Some("")),
            (
                &[("a", "b"), ("example.com/x_y.z", "")],
                Some("a=b,example.com/x_y.z="),
            ),
            (&[("a", "b,c=d")], None),
            (&[("a in (b)", "c")], None),
            (&[("!a", "")], None),
            (&[("", "b")], None),
        ] {
            let labels = labels
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            assert_eq!(selector(&labels).as_deref(), expected, "{labels:?}");
        }
    }
}
