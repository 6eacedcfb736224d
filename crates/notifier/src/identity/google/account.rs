//! Google's side of a Kubernetes service account: which audience its token is for, what it is
//! exchanged at, and whom it then impersonates.

use std::collections::BTreeMap;

use super::super::{AccessError, Caller};
use super::{IAM, STS, exchange};
use crate::rest::Call;
use crate::settings::Identity;
use crate::token_cache::Token;

const EMAIL: &str = "iam.gke.io/gcp-service-account";
const EMAIL_FORM: &str = r"^[a-zA-Z0-9-]{1,100}@[a-zA-Z0-9-]{1,100}\.iam\.gserviceaccount\.com$";

const PROVIDER: &str = "gcp.auth.fluxcd.io/workload-identity-provider";
const PROVIDER_FORM: &str =
    r"^projects/\d{1,30}/locations/global/workloadIdentityPools/[^/]{1,100}/providers/[^/]{1,100}$";

/// Whom the service account's token is for, and at which audience it is exchanged.
struct Audience {
    of_token: String,
    of_exchange: String,
}

/// Acts as what a service account's annotations name.
pub(in super::super) async fn as_account(
    caller: Caller<'_>,
    identity: &dyn Identity,
) -> Result<Token, AccessError> {
    let annotations = identity.annotations();
    let impersonate = email(annotations)?.map(|email| format!("{IAM}/{email}:generateAccessToken"));
    let audience = match provider(annotations)? {
        Some(provider) => {
            let audience = format!("//iam.googleapis.com/{provider}");
            Audience {
                of_token: audience.clone(),
                of_exchange: audience,
            }
        }
        None => cluster(caller).await?,
    };
    let token = identity.token(&audience.of_token).await?;
    exchange(
        caller.rest,
        STS,
        &audience.of_exchange,
        ("urn:ietf:params:oauth:token-type:jwt", &token),
        impersonate.as_deref(),
    )
    .await
}

/// The workload identity pool of the GKE cluster that the controller runs in.
async fn cluster(caller: Caller<'_>) -> Result<Audience, AccessError> {
    let project = metadata(caller, "GKE cluster project ID", "project/project-id").await?;
    let location = metadata(
        caller,
        "GKE cluster location",
        "instance/attributes/cluster-location",
    )
    .await?;
    let name = metadata(
        caller,
        "GKE cluster name",
        "instance/attributes/cluster-name",
    )
    .await?;
    let pool = format!("{project}.svc.id.goog");
    Ok(Audience {
        of_exchange: format!(
            "identitynamespace:{pool}:https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}"
        ),
        of_token: pool,
    })
}

async fn metadata(
    caller: Caller<'_>,
    what: &'static str,
    path: &str,
) -> Result<String, AccessError> {
    let url = format!(
        "{}/computeMetadata/v1/{path}",
        caller.environment.google_metadata()
    );
    let call = Call::get(url).header("Metadata-Flavor", "Google");
    let answer = caller
        .link_local
        .ok(call)
        .await
        .map_err(|source| AccessError::Metadata { what, source })?;
    Ok(answer.text().trim().to_owned())
}

fn email(annotations: &BTreeMap<String, String>) -> Result<Option<&str>, AccessError> {
    checked(annotations, EMAIL, EMAIL_FORM, |email| {
        let Some((name, domain)) = email.split_once('@') else {
            return false;
        };
        let project = domain.strip_suffix(".iam.gserviceaccount.com");
        [Some(name), project].into_iter().all(|part| {
            part.is_some_and(|part| {
                (1..=100).contains(&part.len())
                    && part
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
        })
    })
}

fn provider(annotations: &BTreeMap<String, String>) -> Result<Option<&str>, AccessError> {
    checked(annotations, PROVIDER, PROVIDER_FORM, |path| {
        let parts: Vec<&str> = path.split('/').collect();
        let [
            "projects",
            number,
            "locations",
            "global",
            "workloadIdentityPools",
            pool,
            "providers",
            provider,
        ] = parts.as_slice()
        else {
            return false;
        };
        (1..=30).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && [pool, provider]
                .into_iter()
                .all(|part| (1..=100).contains(&part.chars().count()))
    })
}

/// An annotation's value if it is there, not empty and of the form.
fn checked<'a>(
    annotations: &'a BTreeMap<String, String>,
    key: &'static str,
    form: &'static str,
    is_of_form: impl Fn(&str) -> bool,
) -> Result<Option<&'a str>, AccessError> {
    match annotations.get(key).map(String::as_str) {
        None | Some("") => Ok(None),
        Some(value) if is_of_form(value) => Ok(Some(value)),
        Some(value) => Err(AccessError::BadAnnotation {
            key,
            value: value.to_owned(),
            form,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_must_have_their_form() {
        let good = "projects/123/locations/global/workloadIdentityPools/p/providers/q";
        for (key, value, ok) in [
            (EMAIL, "flux@project-1.iam.gserviceaccount.com", true),
            (EMAIL, "flux@example.com", false),
            (EMAIL, "@project.iam.gserviceaccount.com", false),
            (EMAIL, "flux/../x@project.iam.gserviceaccount.com", false),
            (EMAIL, "", true),
            (PROVIDER, good, true),
            (
                PROVIDER,
                "projects/x/locations/global/workloadIdentityPools/p/providers/q",
                false,
            ),
            (
                PROVIDER,
                "projects/123/locations/eu/workloadIdentityPools/p/providers/q",
                false,
            ),
            (
                PROVIDER,
                "projects/123/locations/global/workloadIdentityPools/p/providers/",
                false,
            ),
            (
                PROVIDER,
                "projects/123/locations/global/workloadIdentityPools/p/providers/q/r",
                false,
            ),
        ] {
            let annotations = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            let result = email(&annotations).and(provider(&annotations));
            assert_eq!(result.is_ok(), ok, "{key}: {value}");
        }
    }
}
