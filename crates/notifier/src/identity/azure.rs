//! Microsoft Entra: the token of a service account is an assertion that buys an access token.
//!
//! The controller itself acts, in this order, by a client secret, by the token that Azure's webhook
//! projects into its pod, or by the managed identity of its machine. Source: fluxcd/pkg
//! `auth/azure/provider.go`, `auth/azure/new_default_azure_credential.go`.

use jiff::SignedDuration;
use serde::Deserialize;

use super::{AccessError, Caller};
use crate::rest::Call;
use crate::settings::Identity;
use crate::token_cache::Token;

/// The audience of service account tokens that are exchanged.
const AUDIENCE: &str = "api://AzureADTokenExchange";

const TENANT: &str = "azure.workload.identity/tenant-id";
const CLIENT: &str = "azure.workload.identity/client-id";

/// Tokens of managed identities.
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// An answer of either endpoint. The machine's writes numbers as strings.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Seconds,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(i64),
    Text(String),
}

/// What proves that a client is who it says.
enum Proof<'a> {
    Assertion(&'a str),
    Secret(&'a str),
}

/// Acts as the application that a service account's annotations name.
pub(super) async fn as_account(
    caller: Caller<'_>,
    scope: &str,
    identity: &dyn Identity,
) -> Result<Token, AccessError> {
    let annotation = |what, key: &'static str| {
        identity
            .annotations()
            .get(key)
            .ok_or(AccessError::NoAnnotation { what, key })
    };
    let tenant = annotation("tenant", TENANT)?;
    let client = annotation("client", CLIENT)?;
    let assertion = identity.token(AUDIENCE).await?;
    exchange(caller, tenant, client, scope, Proof::Assertion(&assertion)).await
}

/// Acts as the controller.
pub(super) async fn as_controller(caller: Caller<'_>, scope: &str) -> Result<Token, AccessError> {
    let environment = caller.environment;
    let client = environment.azure_client_id.as_deref();
    if let (Some(tenant), Some(client)) = (environment.azure_tenant_id.as_deref(), client) {
        if let Some(secret) = &environment.azure_client_secret {
            return exchange(caller, tenant, client, scope, Proof::Secret(secret)).await;
        }
        if let Some(path) = &environment.azure_federated_token_file {
            let assertion = super::google::read(path).await?;
            let proof = Proof::Assertion(assertion.trim());
            return exchange(caller, tenant, client, scope, proof).await;
        }
    }
    let resource = scope.strip_suffix("/.default").unwrap_or(scope);
    let mut query = vec![("api-version", "2018-02-01"), ("resource", resource)];
    query.extend(client.map(|client| ("client_id", client)));
    let call = Call::get(MACHINE).query(&query).header("Metadata", "true");
    token(caller.link_local.json(call).await?)
}

async fn exchange(
    caller: Caller<'_>,
    tenant: &str,
    client: &str,
    scope: &str,
    proof: Proof<'_>,
) -> Result<Token, AccessError> {
    let url = format!(
        "{}/{tenant}/oauth2/v2.0/token",
        caller.environment.azure_authority()
    );
    let mut form = vec![
        ("client_id", client),
        ("grant_type", "client_credentials"),
        ("scope", scope),
    ];
    match proof {
        Proof::Assertion(assertion) => form.extend([
            ("client_assertion", assertion),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
        ]),
        Proof::Secret(secret) => form.push(("client_secret", secret)),
    }
    token(caller.rest.json(Call::post(url).form(&form)).await?)
}

fn token(answer: Answer) -> Result<Token, AccessError> {
    let seconds = match answer.expires_in {
        Seconds::Number(seconds) => seconds,
        Seconds::Text(text) => text
            .parse()
            .map_err(|_| AccessError::Credentials("expires_in is no number".to_owned()))?,
    };
    Ok(Token {
        secret: answer.access_token,
        expires_at: super::google::after(SignedDuration::from_secs(seconds)),
        account: None,
    })
}
