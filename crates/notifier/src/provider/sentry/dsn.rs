//! A DSN: Sentry's address of a project, `https://<key>[:<secret>]@<host>[/<path>]/<project>`.
//!
//! Source: sentry-go `NewDsn` (0.46); Sentry's documentation of DSNs.

use reqwest::Url;

use crate::error::BuildError;

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
        let malformed = if text.contains("://") {
            "invalid url"
        } else {
            "invalid scheme"
        };
        let url = Url::parse(text).map_err(|_| refused(malformed))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("invalid scheme"));
        }
        if url.username().is_empty() {
            return Err(refused("empty username"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refused("empty host"));
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
