//! Acting as somebody else.
//!
//! Impersonation is two or three headers on a request over the shared pool, so that a thousand
//! tenants cost no connection more than one. Source: KEP-less API `Impersonate-*` headers; fluxcd/pkg
//! `runtime/client` impersonation.

use http::{HeaderMap, HeaderName, HeaderValue, header::InvalidHeaderValue};

/// Who a request acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    user: HeaderValue,
    groups: Vec<HeaderValue>,
}

const USER: HeaderName = HeaderName::from_static("impersonate-user");
const GROUP: HeaderName = HeaderName::from_static("impersonate-group");

impl Identity {
    /// A user without explicit groups: the server gives a service account the groups that it has.
    ///
    /// # Errors
    /// When the name cannot stand in a header.
    pub fn user(name: &str) -> Result<Self, InvalidHeaderValue> {
        Ok(Self {
            user: HeaderValue::from_str(name)?,
            groups: Vec::new(),
        })
    }

    /// `system:serviceaccount:<namespace>:<name>`.
    ///
    /// # Errors
    /// When a name cannot stand in a header.
    pub fn service_account(namespace: &str, name: &str) -> Result<Self, InvalidHeaderValue> {
        Self::user(&format!("system:serviceaccount:{namespace}:{name}"))
    }

    /// The same user with these groups.
    ///
    /// # Errors
    /// When a group cannot stand in a header.
    pub fn with_groups<'a>(
        mut self,
        groups: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidHeaderValue> {
        self.groups = groups
            .into_iter()
            .map(HeaderValue::from_str)
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    pub(super) fn stamp(&self, headers: &mut HeaderMap) {
        headers.insert(USER, self.user.clone());
        headers.remove(GROUP);
        for group in &self.groups {
            headers.append(GROUP, group.clone());
        }
    }
}
