//! The ids of commit statuses: what tells a Provider's statuses on a commit from those of others.
//!
//! Source: notification-controller `internal/server/event_handlers.go` (`createCommitStatus`),
//! `internal/notifier/util.go` (`generateCommitStatusID`) (1.9.3).

use api::{
    event::Event,
    notification::{Alert, Provider},
};
use expression::{Environment, Expression, Type};
use kube::ResourceExt;
use serde_json::Value;

/// Why there is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommitStatusError {
    /// The expression, or what it makes of the event, is not usable.
    #[error(
        "failed to create commit status: failed to evaluate the spec.commitStatusExpr CEL expression for the event: {0}"
    )]
    Expression(String),
    /// The objects have no JSON form.
    #[error("failed to create commit status: {0}")]
    Variables(String),
}

/// How a Provider names commit statuses.
pub(crate) enum StatusId {
    /// It sets none.
    None,
    /// By the object and the Provider.
    Default {
        /// The first part of the Provider's uid.
        provider: String,
    },
    /// By an expression.
    Expression(Box<Expression>),
    /// By an expression that does not compile.
    Invalid(CommitStatusError),
}

/// Compiles how a Provider names commit statuses.
pub(super) fn of(provider: &Provider) -> StatusId {
    if !provider.spec.provider_type.is_commit_status() {
        return StatusId::None;
    }
    match provider.spec.commit_status_expr.as_deref() {
        None | Some("") => StatusId::Default {
            provider: provider
                .uid()
                .unwrap_or_default()
                .split('-')
                .next()
                .unwrap_or_default()
                .to_owned(),
        },
        Some(source) => {
            let environment = Environment::new(&["event", "provider", "alert"]);
            match Expression::compile(&environment, source, Type::String) {
                Ok(compiled) => StatusId::Expression(Box::new(compiled)),
                Err(error) => {
                    StatusId::Invalid(CommitStatusError::Expression(runtime::log::chain(&error)))
                }
            }
        }
    }
}

impl StatusId {
    /// The id for an event, whose metadata are combined already; empty where there are no statuses.
    ///
    /// # Errors
    /// When the expression cannot be compiled, or not evaluated for this event.
    pub(crate) fn id(
        &self,
        event: &Event,
        provider: &Provider,
        alert: &Alert,
    ) -> Result<String, CommitStatusError> {
        let json = |value: serde_json::Result<Value>| {
            value.map_err(|error| CommitStatusError::Variables(error.to_string()))
        };
        match self {
            Self::None => Ok(String::new()),
            Self::Default { provider } => {
                let object = &event.involved_object;
                Ok(format!("{}/{}/{provider}", object.kind, object.name).to_lowercase())
            }
            Self::Expression(expression) => {
                let event = json(serde_json::to_value(event))?;
                let provider = json(serde_json::to_value(provider))?;
                let alert = json(serde_json::to_value(alert))?;
                expression
                    .evaluate_string(&[
                        ("event", &event),
                        ("provider", &provider),
                        ("alert", &alert),
                    ])
                    .map_err(|error| CommitStatusError::Expression(runtime::log::chain(&error)))
            }
            Self::Invalid(error) => Err(error.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Provider type, expression, and the id or a part of the error.
    const CASES: [(&str, Option<&str>, Result<&str, &str>); 12] = [
        ("slack", None, Ok("")),
        ("generic", None, Ok("")),
        ("githubpullrequestcomment", None, Ok("")),
        ("github", None, Ok("kustomization/gitops-system/0c9c2e41")),
        (
            "azuredevops",
            Some(""),
            Ok("kustomization/gitops-system/0c9c2e41"),
        ),
        (
            "github",
            Some(
                "(event.involvedObject.kind + '/' + event.involvedObject.name + '/' + event.metadata.env + '/' + provider.metadata.uid.split('-')[0]).lowerAscii()",
            ),
            Ok("kustomization/gitops-system/prod/0c9c2e41"),
        ),
        (
            "gitlab",
            Some("alert.metadata.name + '-' + provider.metadata.name"),
            Ok("alert-provider"),
        ),
        ("gitea", Some("string(event.message)"), Ok("done")),
        ("gitea", Some("event.message"), Err("expected string")),
        (
            "gitea",
            Some("'a' + event.metadata.missing"),
            Err("no such key"),
        ),
        (
            "gitea",
            Some("'a' + nobody"),
            Err("undeclared reference to 'nobody'"),
        ),
        ("gitea", Some("'a' +"), Err("Syntax error")),
    ];

    #[test]
    fn ids_are_as_the_provider_says() {
        let event: Event = serde_json::from_value(json!({
            "involvedObject": {"kind": "Kustomization", "name": "gitops-system", "namespace": "ns"},
            "severity": "info", "message": "done", "metadata": {"env": "prod"},
        }))
        .unwrap();
        let alert: Alert = serde_json::from_value(json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": {"name": "alert", "namespace": "ns"},
            "spec": {"providerRef": {"name": "provider"}, "eventSources": []},
        }))
        .unwrap();
        for (kind, source, expected) in CASES {
            let provider: Provider = serde_json::from_value(json!({
                "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
                "metadata": {
                    "name": "provider", "namespace": "ns",
                    "uid": "0c9c2e41-d2f9-4f9b-9c41-bebc1984d67a",
                },
                "spec": {"type": kind, "commitStatusExpr": source},
            }))
            .unwrap();
            let id = of(&provider).id(&event, &provider, &alert);
            match (id, expected) {
                (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{kind} {source:?}"),
                (Err(error), Err(part)) => {
                    let text = error.to_string();
                    assert!(
                        text.starts_with("failed to create commit status: "),
                        "{text}"
                    );
                    assert!(text.contains(part), "{source:?}: {text}");
                }
                (got, _) => panic!("{kind} {source:?}: {got:?}"),
            }
        }
    }
}
