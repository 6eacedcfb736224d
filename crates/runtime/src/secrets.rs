//! Secrets, read live and shared for a moment.
//!
//! What needs a Secret for each of many requests would otherwise turn a flood of requests into one of reads.
//! An answer, a failure too, is good for [`Secrets::new`]'s time; whoever finds that a Secret does not do
//! says so with [`Secrets::forget`], and the next read is live. One read per Secret is under way at a time,
//! and the others wait for it.
//!
//! Invariant: a Secret's data is neither printed nor logged.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::api::core::v1::Secret;
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    ObjectKey,
    client::{ApiError, Client, ResourceRef},
};

/// Secrets that are kept; beyond, those that are no longer good go, or else all.
const MOST: usize = 512;

/// A Secret's content.
#[derive(PartialEq, Eq)]
pub struct SecretData {
    /// Its namespace and name.
    pub key: ObjectKey,
    /// Its keys and values; `data` is base64 on the wire only.
    pub data: BTreeMap<String, Vec<u8>>,
}

impl SecretData {
    /// A value.
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.data.get(key).map(Vec::as_slice)
    }

    /// A value as text, with what is no UTF-8 replaced.
    pub fn text(&self, key: &str) -> Option<String> {
        self.bytes(key)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretData")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

type Answer = Result<Arc<SecretData>, ApiError>;
type Read = Arc<OnceCell<Answer>>;

/// Reads Secrets.
pub struct Secrets {
    client: Client,
    resource: ResourceRef,
    good_for: Duration,
    /// When each read began, and what came of it.
    reads: Mutex<HashMap<ObjectKey, (Instant, Read)>>,
}

impl Secrets {
    /// Reads with `client`; an answer is good for `good_for` from the beginning of its read.
    pub fn new(client: Client, good_for: Duration) -> Self {
        Self {
            client,
            resource: ResourceRef::namespaced("v1", "Secret", "secrets"),
            good_for,
            reads: Mutex::default(),
        }
    }

    /// A Secret as it was at most the time given ago.
    ///
    /// # Errors
    /// The API server's.
    pub async fn get(&self, key: &ObjectKey) -> Answer {
        self.read(key)
            .get_or_init(|| async {
                let target = self.resource.object(&key.namespace, &key.name);
                let secret: Secret = self.client.get(target).await?;
                let data = secret.data.unwrap_or_default().into_iter();
                Ok(Arc::new(SecretData {
                    key: key.clone(),
                    data: data.map(|(key, value)| (key, value.0)).collect(),
                }))
            })
            .await
            .clone()
    }

    /// Makes the next read of a Secret a live one.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    fn read(&self, key: &ObjectKey) -> Read {
        let now = Instant::now();
        let good = |since: Instant| now.duration_since(since) < self.good_for;
        let mut reads = self.lock();
        if let Some((since, read)) = reads.get(key)
            && good(*since)
        {
            return Arc::clone(read);
        }
        if reads.len() >= MOST {
            reads.retain(|_, (since, _)| good(*since));
            if reads.len() >= MOST {
                reads.clear();
            }
        }
        let read = Read::default();
        reads.insert(key.clone(), (now, Arc::clone(&read)));
        read
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectKey, (Instant, Read)>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::Response;

    use super::*;
    use crate::client::{Options, Transport};

    #[tokio::test(start_paused = true)]
    async fn readers_share_one_read_for_a_while() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let transport = Transport::from_fn(move |request| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                let missing = request.uri().path().ends_with("missing");
                let (code, body) = if missing {
                    (404, r#"{"kind":"Status","code":404}"#.to_owned())
                } else {
                    // "0" to "9", in base64.
                    (
                        200,
                        format!(
                            r#"{{"data":{{"number":"M{}=="}}}}"#,
                            ["A", "Q", "g", "w"][number]
                        ),
                    )
                };
                Ok(Response::builder().status(code).body(body.into())?)
            }
        });
        let client = Client::over(transport, "https://test", Options::new("test"));
        let secrets = Secrets::new(client, Duration::from_secs(5));
        let key = ObjectKey::new("ns", "secret");
        let number = async || secrets.get(&key).await.unwrap().text("number").unwrap();

        let (first, second) = tokio::join!(number(), number());
        assert_eq!((&*first, &*second), ("0", "0"));
        assert_eq!(number().await, "0");
        secrets.forget(&key);
        assert_eq!(number().await, "1");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(number().await, "2");

        let missing = ObjectKey::new("ns", "missing");
        for _ in 0..2 {
            assert!(secrets.get(&missing).await.unwrap_err().is_not_found());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 4);
        assert!(!format!("{:?}", secrets.get(&key).await).contains("number"));
    }
}
