//! The verbs of the API.
//!
//! Bodies go in as bytes that the caller serialised once; answers come out as the type that the
//! caller asks for, read directly from the body.

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Client,
    call::{Call, METADATA, METADATA_LIST},
    error::{ApiError, Reason},
    resource::{ResourceRef, Target},
};

/// How to treat fields that the server does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValidation {
    /// Drop them silently.
    Ignore,
    /// Drop them with a warning: what the server does when nothing is said.
    Warn,
    /// Refuse the request.
    Strict,
}

/// Options of a server-side apply.
#[derive(Clone, Copy, Debug)]
pub struct ApplyOptions<'a> {
    /// Under which name fields are owned.
    pub field_manager: &'a str,
    /// Whether to take fields that others own.
    pub force: bool,
    /// Whether to only say what would be.
    pub dry_run: bool,
    /// The server's default when `None`.
    pub field_validation: Option<FieldValidation>,
}

/// Options of the other writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteOptions<'a> {
    /// Under which name fields are owned; the user agent's first word when `None`.
    pub field_manager: Option<&'a str>,
    /// `status`, to write that only.
    pub subresource: Option<&'a str>,
    /// Whether to only say what would be.
    pub dry_run: bool,
}

/// When the dependents of a deleted object go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// After it.
    Background,
    /// Before it.
    Foreground,
    /// Never.
    Orphan,
}

/// Options of a deletion.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeleteOptions<'a> {
    /// The kind's default when `None`.
    pub propagation: Option<Propagation>,
    /// Delete only the object with this uid, not one that took its name.
    pub uid: Option<&'a str>,
    /// Delete only this state of the object.
    pub resource_version: Option<&'a str>,
    /// Whether to only say what would be.
    pub dry_run: bool,
}

/// Options of a list.
#[derive(Clone, Copy, Debug)]
pub struct ListOptions<'a> {
    /// A label selector; all when empty.
    pub labels: &'a str,
    /// A field selector; all when empty.
    pub fields: &'a str,
    /// Objects per request.
    pub page: u32,
    /// Whether to ask for the objects' metadata only.
    pub metadata_only: bool,
}

impl Default for ListOptions<'_> {
    fn default() -> Self {
        Self {
            labels: "",
            fields: "",
            page: 500,
            metadata_only: false,
        }
    }
}

const APPLY: &str = "application/apply-patch+yaml";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

impl Client {
    /// Reads an object.
    pub async fn get<T: DeserializeOwned>(&self, target: Target<'_>) -> Result<T, ApiError> {
        self.decode(read(target)?).await
    }

    /// Reads an object's metadata (`T` sees `apiVersion`, `kind` and `metadata`; the kind is
    /// `PartialObjectMetadata`).
    pub async fn get_metadata<T: DeserializeOwned>(
        &self,
        target: Target<'_>,
    ) -> Result<T, ApiError> {
        self.decode(read(target)?.accept(METADATA)).await
    }

    /// Reads all objects of a kind, in one namespace or, when that is empty, in all; page by page, in
    /// the server's order. The objects of a list carry no `kind`.
    ///
    /// Starts over, once, when the continuation expires under way.
    pub async fn list<T: DeserializeOwned>(
        &self,
        resource: &ResourceRef,
        namespace: &str,
        options: ListOptions<'_>,
    ) -> Result<Vec<T>, ApiError> {
        match self.pages(resource, namespace, options).await {
            Err(error) if error.is(Reason::Expired) => {
                self.pages(resource, namespace, options).await
            }
            answer => answer,
        }
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        resource: &ResourceRef,
        namespace: &str,
        options: ListOptions<'_>,
    ) -> Result<Vec<T>, ApiError> {
        let mut items = Vec::new();
        let mut token = String::new();
        loop {
            let mut call = Call::new(Method::GET, resource.path(namespace)?)
                .about(resource.subject(""))
                .query("limit", &options.page.to_string())
                .query_if(!options.labels.is_empty(), "labelSelector", options.labels)
                .query_if(!options.fields.is_empty(), "fieldSelector", options.fields)
                .query_if(!token.is_empty(), "continue", &token);
            if options.metadata_only {
                call = call.accept(METADATA_LIST);
            }
            let page: Page<T> = self.decode(call).await?;
            items.extend(page.items);
            token = page.metadata.next;
            if token.is_empty() {
                return Ok(items);
            }
        }
    }

    /// Applies `body`, an object as JSON, server-side, and returns the object as it is then.
    pub async fn apply<T: DeserializeOwned>(
        &self,
        target: Target<'_>,
        body: Bytes,
        options: ApplyOptions<'_>,
    ) -> Result<T, ApiError> {
        self.decode(apply(target, body, options)?).await
    }

    /// As [`Client::apply`], but returns the metadata only.
    pub async fn apply_metadata<T: DeserializeOwned>(
        &self,
        target: Target<'_>,
        body: Bytes,
        options: ApplyOptions<'_>,
    ) -> Result<T, ApiError> {
        self.decode(apply(target, body, options)?.accept(METADATA))
            .await
    }

    /// Applies an RFC 6902 patch.
    pub async fn json_patch<T: DeserializeOwned>(
        &self,
        target: Target<'_>,
        patch: Bytes,
        options: WriteOptions<'_>,
    ) -> Result<T, ApiError> {
        let mut call = write(Method::PATCH, target, options)?.body(JSON_PATCH, patch);
        // A `test` or an insertion into a list tells a second sending from a first.
        call.idempotent = false;
        self.decode(call).await
    }

    /// Applies an RFC 7386 patch.
    pub async fn merge_patch<T: DeserializeOwned>(
        &self,
        target: Target<'_>,
        patch: Bytes,
        options: WriteOptions<'_>,
    ) -> Result<T, ApiError> {
        self.decode(write(Method::PATCH, target, options)?.body(MERGE_PATCH, patch))
            .await
    }

    /// Replaces an object by `body`.
    pub async fn replace<T: DeserializeOwned>(
        &self,
        target: Target<'_>,
        body: Bytes,
        options: WriteOptions<'_>,
    ) -> Result<T, ApiError> {
        self.decode(write(Method::PUT, target, options)?.body(JSON, body))
            .await
    }

    /// Creates an object from `body`, which may leave its name to the server (`generateName`).
    pub async fn create<T: DeserializeOwned>(
        &self,
        resource: &ResourceRef,
        namespace: &str,
        body: Bytes,
        options: WriteOptions<'_>,
    ) -> Result<T, ApiError> {
        let call = Call::new(Method::POST, resource.path(namespace)?).about(resource.subject(""));
        self.decode(with_write_options(call, options).body(JSON, body))
            .await
    }

    /// Creates something of an object, such as a token of a service account.
    pub async fn create_subresource<T: DeserializeOwned>(
        &self,
        target: Target<'_>,
        subresource: &str,
        body: Bytes,
    ) -> Result<T, ApiError> {
        let call = Call::new(Method::POST, target.path(Some(subresource))?)
            .about(target.subject())
            .body(JSON, body);
        self.decode(call).await
    }

    /// Asks for an object's deletion. It may stay for a while: for its finalizers, or its grace
    /// period.
    pub async fn delete(
        &self,
        target: Target<'_>,
        options: DeleteOptions<'_>,
    ) -> Result<(), ApiError> {
        let body = serde_json::to_vec(&DeleteBody::from(options))
            .map_err(|e| ApiError::Request(e.to_string()))?;
        let mut call = Call::new(Method::DELETE, target.path(None)?)
            .about(target.subject())
            .body(JSON, body.into());
        // Sent again, it might meet the object that took the deleted one's name.
        call.idempotent = options.uid.is_some();
        self.stack.send(&call, self.identity.as_deref()).await?;
        Ok(())
    }

    pub(super) async fn decode<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        let body = self.stack.send(&call, self.identity.as_deref()).await?;
        serde_json::from_slice(&body).map_err(|source| ApiError::Decode {
            url: self.stack.url(&call.uri()),
            source: source.into(),
        })
    }
}

fn read(target: Target<'_>) -> Result<Call, ApiError> {
    Ok(Call::new(Method::GET, target.path(None)?).about(target.subject()))
}

fn apply(target: Target<'_>, body: Bytes, options: ApplyOptions<'_>) -> Result<Call, ApiError> {
    let call = Call::new(Method::PATCH, target.path(None)?)
        .about(target.subject())
        .query("fieldManager", options.field_manager)
        .query("force", if options.force { "true" } else { "false" })
        .query_if(options.dry_run, "dryRun", "All")
        .body(APPLY, body);
    Ok(match options.field_validation {
        None => call,
        Some(FieldValidation::Ignore) => call.query("fieldValidation", "Ignore"),
        Some(FieldValidation::Warn) => call.query("fieldValidation", "Warn"),
        Some(FieldValidation::Strict) => call.query("fieldValidation", "Strict"),
    })
}

fn write(method: Method, target: Target<'_>, options: WriteOptions<'_>) -> Result<Call, ApiError> {
    let call = Call::new(method, target.path(options.subresource)?).about(target.subject());
    Ok(with_write_options(call, options))
}

fn with_write_options(call: Call, options: WriteOptions<'_>) -> Call {
    let call = match options.field_manager {
        Some(manager) => call.query("fieldManager", manager),
        None => call,
    };
    call.query_if(options.dry_run, "dryRun", "All")
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(default = "Vec::new", deserialize_with = "null_as_empty")]
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: String,
}

/// Go prints an empty list as `null`.
fn null_as_empty<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeleteBody<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    propagation_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditions: Option<Preconditions<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    dry_run: &'static [&'static str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preconditions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<&'a str>,
}

impl<'a> From<DeleteOptions<'a>> for DeleteBody<'a> {
    fn from(options: DeleteOptions<'a>) -> Self {
        let DeleteOptions {
            propagation,
            uid,
            resource_version,
            dry_run,
        } = options;
        let guarded = uid.is_some() || resource_version.is_some();
        Self {
            api_version: "v1",
            kind: "DeleteOptions",
            propagation_policy: propagation.map(|propagation| match propagation {
                Propagation::Background => "Background",
                Propagation::Foreground => "Foreground",
                Propagation::Orphan => "Orphan",
            }),
            preconditions: guarded.then_some(Preconditions {
                uid,
                resource_version,
            }),
            dry_run: if dry_run { &["All"] } else { &[] },
        }
    }
}
