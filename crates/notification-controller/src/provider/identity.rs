//! A service account whose tokens a cloud provider exchanges for its own.
//!
//! Source: fluxcd/pkg `auth` (0.54), Kubernetes `authentication.k8s.io/v1` `TokenRequest`.

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use k8s_openapi::api::core::v1::ServiceAccount as Object;
use notifier::{Identity, IdentityError, ObjectName};
use runtime::client::{ApiError, Client, ResourceRef};
use serde::Deserialize;
use serde_json::json;

/// A service account, and the right to ask for its tokens.
pub(crate) struct ServiceAccount {
    client: Client,
    resource: ResourceRef,
    name: ObjectName,
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct TokenRequest {
    status: TokenStatus,
}

#[derive(Deserialize)]
struct TokenStatus {
    token: String,
}

impl ServiceAccount {
    /// Reads a service account.
    ///
    /// # Errors
    /// The API server's.
    pub(crate) async fn read(
        client: &Client,
        namespace: &str,
        name: &str,
    ) -> Result<Arc<Self>, ApiError> {
        let resource = ResourceRef::namespaced("v1", "ServiceAccount", "serviceaccounts");
        let object: Object = client.get(resource.object(namespace, name)).await?;
        Ok(Arc::new(Self {
            client: client.clone(),
            resource,
            name: ObjectName {
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                uid: object.metadata.uid.unwrap_or_default(),
            },
            annotations: object.metadata.annotations.unwrap_or_default(),
        }))
    }

    async fn request(&self, audience: &str) -> Result<String, ApiError> {
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": { "audiences": [audience] },
        });
        let target = self.resource.object(&self.name.namespace, &self.name.name);
        let answer: TokenRequest = self
            .client
            .create_subresource(target, "token", body.to_string().into())
            .await?;
        Ok(answer.status.token)
    }
}

impl Identity for ServiceAccount {
    fn name(&self) -> &ObjectName {
        &self.name
    }

    fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<String, IdentityError>> {
        async move {
            self.request(audience).await.map_err(|error| IdentityError {
                account: format!("{}/{}", self.name.namespace, self.name.name),
                source: error.into(),
            })
        }
        .boxed()
    }
}
