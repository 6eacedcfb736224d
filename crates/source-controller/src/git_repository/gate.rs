//! Whether there is anything to do for an object. Pure.

use api::source::{GitRepository, git_repository::Provider};

use super::failure::Failure;

/// The decision.
#[derive(Debug)]
pub(super) enum Gate {
    /// The object is left alone.
    Suspended,
    /// The object asks for what this controller cannot do, and must not do without.
    Refused(Failure),
    /// Work.
    Open,
}

/// Decides by the spec alone.
pub(super) fn gate(object: &GitRepository) -> Gate {
    let spec = &object.spec;
    if spec.suspend {
        return Gate::Suspended;
    }
    if spec
        .service_account_name
        .as_deref()
        .is_some_and(|name| !name.is_empty())
    {
        return Gate::Refused(Failure::ServiceAccount);
    }
    let provider = match spec.provider {
        None | Some(Provider::Generic) => None,
        Some(Provider::Aws) => Some("aws"),
        Some(Provider::Azure) => Some("azure"),
        Some(Provider::Github) => Some("github"),
    };
    if let Some(provider) = provider {
        return Gate::Refused(Failure::Provider(provider));
    }
    if spec.verify.is_some() {
        return Gate::Refused(Failure::Verify);
    }
    Gate::Open
}

#[cfg(test)]
mod tests {
    use api::source::GitRepositorySpec;
    use serde_json::{Value, json};

    use super::*;

    fn decide(change: Value) -> String {
        let mut spec = json!({ "url": "https://host/x", "interval": "1m" });
        if let (Some(spec), Value::Object(change)) = (spec.as_object_mut(), change) {
            spec.extend(change);
        }
        let spec: GitRepositorySpec = serde_json::from_value(spec).expect("spec");
        match gate(&GitRepository::new("app", spec)) {
            Gate::Suspended => "suspended".to_owned(),
            Gate::Refused(failure) => format!(
                "{:?} {} {:?}",
                failure.condition(),
                failure.reason(),
                failure.next()
            ),
            Gate::Open => "open".to_owned(),
        }
    }

    #[test]
    fn what_is_not_honoured_is_refused() {
        let stalled = |condition: &str, reason: &str| format!("Some({condition:?}) {reason} Stall");
        let provider = stalled("FetchFailed", "InvalidProviderConfiguration");
        for (change, expected) in [
            (json!({}), "open".to_owned()),
            (json!({"provider": "generic"}), "open".to_owned()),
            (
                json!({"suspend": true, "provider": "aws"}),
                "suspended".to_owned(),
            ),
            (json!({"provider": "aws"}), provider.clone()),
            (json!({"provider": "azure"}), provider.clone()),
            (json!({"provider": "github"}), provider),
            (
                json!({"provider": "aws", "serviceAccountName": "x"}),
                stalled("FetchFailed", "FeatureGateDisabled"),
            ),
            (
                json!({"verify": {"mode": "HEAD", "secretRef": {"name": "keys"}}}),
                stalled("SourceVerified", "VerificationError"),
            ),
        ] {
            assert_eq!(decide(change.clone()), expected, "{change}");
        }
    }
}
