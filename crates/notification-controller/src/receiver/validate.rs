//! Whether a spec can be done. Pure.
//!
//! The definition's rules are checked again, because an API server may hold objects from before it knew them.
//! The order and texts of the checks are Flux's: the first that fails is the one that users read.

use std::collections::BTreeSet;

use api::{
    meta::reason::INVALID_CEL_EXPRESSION,
    notification::{ReceiverSpec, ReceiverType, receiver::OidcProvider},
};

use super::programs::{Filters, InvalidFilter, InvalidRule, Rules};

/// The reason of what breaks a rule of the definition.
pub(super) const VALIDATION_FAILED: &str = "ValidationFailed";

/// What is wrong with a spec; only an edit can mend it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Invalid {
    #[error("{0}")]
    Filter(#[source] Box<InvalidFilter>),
    #[error("generic-oidc receiver requires at least one oidcProvider")]
    NoProvider,
    #[error("oidcProviders can only be set when type is generic-oidc")]
    Providers,
    #[error("secretRef cannot be set when type is generic-oidc")]
    SecretRef,
    #[error("secretRef is required when type is not generic-oidc")]
    NoSecretRef,
    #[error("oidcProviders[{0}]: issuerURL is required")]
    NoIssuer(usize),
    #[error("oidcProviders[{index}]: issuerURL {issuer:?} must start with http:// or https://")]
    IssuerScheme { index: usize, issuer: String },
    #[error("oidcProviders[{index}]: duplicate issuerURL {issuer:?}")]
    DuplicateIssuer { index: usize, issuer: String },
    #[error("oidcProviders[{index}] (issuerURL={issuer:?}): {fault}")]
    Provider {
        index: usize,
        issuer: String,
        #[source]
        fault: Box<Fault>,
    },
}

/// What is wrong with a provider.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(
        "at least one validation is required; without validations any caller able to obtain a token from this \
         issuer can trigger the Receiver"
    )]
    NoValidation,
    #[error("variables[{0}]: name is required")]
    VariableName(usize),
    #[error("variables[{index}] (name={name:?}): expression is required")]
    VariableExpression { index: usize, name: String },
    #[error("validations[{0}]: expression is required")]
    ValidationExpression(usize),
    #[error("validations[{0}]: message is required")]
    ValidationMessage(usize),
    #[error("{0}")]
    Rule(#[from] InvalidRule),
}

impl Invalid {
    /// The reason of the condition and the event.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Filter(_) => INVALID_CEL_EXPRESSION,
            Self::Provider { fault, .. } if matches!(**fault, Fault::Rule(_)) => {
                INVALID_CEL_EXPRESSION
            }
            _ => VALIDATION_FAILED,
        }
    }
}

/// Checks a spec.
pub(super) fn validate(spec: &ReceiverSpec) -> Result<(), Invalid> {
    Filters::compile(spec).map_err(|error| Invalid::Filter(Box::new(error)))?;
    let oidc = spec.receiver_type == ReceiverType::GenericOidc;
    match (oidc, spec.oidc_providers.is_empty(), &spec.secret_ref) {
        (true, true, _) => return Err(Invalid::NoProvider),
        (false, false, _) => return Err(Invalid::Providers),
        (true, _, Some(_)) => return Err(Invalid::SecretRef),
        (false, _, None) => return Err(Invalid::NoSecretRef),
        _ => {}
    }
    let mut issuers = BTreeSet::new();
    for (index, provider) in spec.oidc_providers.iter().enumerate() {
        let issuer = &provider.issuer_url;
        if issuer.is_empty() {
            return Err(Invalid::NoIssuer(index));
        }
        if !issuer.starts_with("http://") && !issuer.starts_with("https://") {
            let issuer = issuer.clone();
            return Err(Invalid::IssuerScheme { index, issuer });
        }
        if !issuers.insert(issuer) {
            let issuer = issuer.clone();
            return Err(Invalid::DuplicateIssuer { index, issuer });
        }
        complete(provider).map_err(|fault| about(index, provider, fault))?;
    }
    for (index, provider) in spec.oidc_providers.iter().enumerate() {
        if let Err(error) = Rules::compile(provider) {
            return Err(about(index, provider, error.into()));
        }
    }
    Ok(())
}

fn about(index: usize, provider: &OidcProvider, fault: Fault) -> Invalid {
    Invalid::Provider {
        index,
        issuer: provider.issuer_url.clone(),
        fault: Box::new(fault),
    }
}

/// Whether everything that must be there is.
fn complete(provider: &OidcProvider) -> Result<(), Fault> {
    if provider.validations.is_empty() {
        return Err(Fault::NoValidation);
    }
    for (index, variable) in provider.variables.iter().enumerate() {
        if variable.name.is_empty() {
            return Err(Fault::VariableName(index));
        }
        if variable.expression.is_empty() {
            let name = variable.name.clone();
            return Err(Fault::VariableExpression { index, name });
        }
    }
    for (index, validation) in provider.validations.iter().enumerate() {
        if validation.expression.is_empty() {
            return Err(Fault::ValidationExpression(index));
        }
        if validation.message.is_empty() {
            return Err(Fault::ValidationMessage(index));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
