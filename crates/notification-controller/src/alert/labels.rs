//! Labels of the objects that events are about.
//!
//! An object is read once per resource version that events name, whatever the number of alerts; where an event
//! names none, each event reads it. Only metadata is asked for. Flux keeps a watch on each kind instead, begun by
//! the first event of that kind.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::event::ObjectReference;
use kube::core::PartialObjectMeta;
use runtime::client::{ApiError, Client, GroupVersionKind, Mapper};
use tokio::time::timeout;

use super::matching::ReadLabels;

/// How long one read may take. Source: Flux's budget for one event.
const TIME: Duration = Duration::from_secs(15);
/// Objects that are remembered.
const MOST: usize = 4096;
/// Bytes of a reference that is remembered; what senders write there is theirs.
const REFERENCE_BYTES: usize = 1024;

type Map = Arc<BTreeMap<String, String>>;

/// Reads labels.
pub(crate) struct Labels {
    client: Client,
    mapper: Mapper,
    known: Mutex<HashMap<ObjectReference, Map>>,
}

impl Labels {
    /// Reads with `client`.
    pub(crate) fn new(client: Client, mapper: Mapper) -> Self {
        Self {
            client,
            mapper,
            known: Mutex::default(),
        }
    }

    async fn of(&self, object: &ObjectReference) -> Result<Map, ApiError> {
        if let Some(known) = self.lock().get(object) {
            return Ok(Arc::clone(known));
        }
        let gvk = GroupVersionKind::parse(&object.api_version, &object.kind);
        let resource = self.mapper.resource(&gvk).await?;
        let target = resource.object(&object.namespace, &object.name);
        let read: PartialObjectMeta = self.client.get_metadata(target).await?;
        let labels = Arc::new(read.metadata.labels.unwrap_or_default());
        if !object.resource_version.is_empty() && bytes(object) <= REFERENCE_BYTES {
            let mut known = self.lock();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(object.clone(), Arc::clone(&labels));
        }
        Ok(labels)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectReference, Map>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes(object: &ObjectReference) -> usize {
    let ObjectReference {
        api_version,
        kind,
        namespace,
        name,
        uid,
        resource_version,
        field_path,
    } = object;
    let texts = [
        api_version,
        kind,
        namespace,
        name,
        uid,
        resource_version,
        field_path,
    ];
    texts.iter().map(|text| text.len()).sum()
}

impl ReadLabels for Labels {
    async fn read(&self, object: &ObjectReference) -> Result<Map, ApiError> {
        match timeout(TIME, self.of(object)).await {
            Ok(answer) => answer,
            Err(_) => Err(ApiError::Request("context deadline exceeded".to_owned())),
        }
    }
}
