//! A DSN: Sentry's address of a project, `https://<key>[:<secret>]@<host>[/<path>]/<project>`.
//!
//! Source: sentry-go `NewDsn` (0.46); Sentry's documentation of DSNs.

use reqwest::Url;

use crate::{
    address::{self, Style},
    error::BuildError,
};

/// A parsed DSN.
pub(super) struct Dsn {
    text: String,
    envelopes: String,
    key: String,
    secret: Option<String>,
}

impl Dsn {
    /// Parses.
    ///
    /// # Errors
    /// Says what is missing, and nothing of the text.
    pub(super) fn parse(text: &str) -> Result<Self, BuildError> {
        let refused = BuildError::Dsn;
        if address::any(text, "", Style::ReasonOnly).is_err() {
            return Err(refused("invalid url"));
        }
        let scheme = text.split("://").next().unwrap_or_default();
        if !matches!(scheme, "http" | "https") {
            return Err(refused("invalid scheme"));
        }
        // Go takes a URL without a host.
        let url = Url::parse(text).map_err(|_| refused("empty host"))?;
        if url.username().is_empty() {
            return Err(refused("empty username"));
        }
        let (path, project) = url.path().rsplit_once('/').unwrap_or_default();
        if project.is_empty() {
            return Err(refused("empty project id"));
        }
        let origin = url.origin().ascii_serialization();
        Ok(Self {
            text: text.to_owned(),
            envelopes: format!("{origin}{path}/api/{project}/envelope/"),
            key: url.username().to_owned(),
            secret: url
                .password()
                .filter(|secret| !secret.is_empty())
                .map(str::to_owned),
        })
    }

    /// As the user wrote it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where envelopes go.
    pub(super) fn envelopes(&self) -> &str {
        &self.envelopes
    }

    /// The header that proves who we are.
    pub(super) fn authorization(&self, client: &str) -> String {
        let mut out = format!(
            "Sentry sentry_version=7, sentry_client={client}, sentry_key={}",
            self.key
        );
        if let Some(secret) = &self.secret {
            out.extend([", sentry_secret=", secret]);
        }
        out
    }
}
