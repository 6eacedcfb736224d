//! NATS: the event as a message on a subject.
//!
//! Each event has a connection of its own, because events are rare and credentials change. Source:
//! notification-controller `internal/notifier/nats.go`.

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use rustls::ClientConfig;

use super::Post;
use crate::error::{BuildError, PostError};
use crate::http;
use crate::json;
use crate::settings::Settings;

mod connection;
mod credentials;
mod server;

use self::connection::{Connection, LinkError};
use self::credentials::{Credentials, CredentialsError};
use self::server::Server;

const NAME: &str = "NATS Provider Publisher";

/// Publishes events on a subject.
pub(crate) struct Nats {
    servers: Vec<Server>,
    subject: String,
    /// Bad ones are told when there is an event to send, as Flux does.
    credentials: Result<Credentials, Arc<CredentialsError>>,
    tls: Arc<ClientConfig>,
}

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
enum NatsError {
    #[error(transparent)]
    Credentials(Arc<CredentialsError>),
    #[error("error connecting to server")]
    Connect(#[source] LinkError),
    #[error("error publishing message to server")]
    Publish(#[source] LinkError),
}

impl Nats {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let Settings {
            address, channel, ..
        } = settings;
        if address.is_empty() {
            return Err(BuildError::Missing("NATS server (address) cannot be empty"));
        }
        if channel.is_empty() {
            return Err(BuildError::Missing(
                "NATS subject (channel) cannot be empty",
            ));
        }
        // A subject with a space in it would be read as two words of the protocol.
        if channel.contains(|char: char| char.is_whitespace() || char.is_control()) {
            return Err(BuildError::Missing("invalid NATS subject (channel)"));
        }
        let servers = Server::parse_all(address)
            .ok_or(BuildError::Missing("invalid NATS server (address)"))?;
        let mut tls = http::tls_config(settings.tls.as_ref())?;
        tls.alpn_protocols.clear();
        Ok(Self {
            servers,
            subject: channel.clone(),
            credentials: Credentials::pick(settings).map_err(Arc::new),
            tls: Arc::new(tls),
        })
    }

    async fn publish(&self, event: &[u8]) -> Result<(), NatsError> {
        let credentials = self
            .credentials
            .as_ref()
            .map_err(|error| NatsError::Credentials(Arc::clone(error)))?;
        let mut connection = self
            .connect(credentials)
            .await
            .map_err(NatsError::Connect)?;
        connection
            .publish(&self.subject, event)
            .await
            .map_err(NatsError::Publish)
    }

    /// Connects to the first server that lets the client in.
    async fn connect(&self, credentials: &Credentials) -> Result<Connection, LinkError> {
        let mut last = LinkError::Closed;
        for server in &self.servers {
            match Connection::open(server, NAME, credentials, &self.tls).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Post for Nats {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let event = json::to_vec(event)?;
            self.publish(&event)
                .await
                .map_err(|error| PostError::Publish {
                    context: format!("error publishing event to subject {}", self.subject),
                    source: error.into(),
                })
        })
    }
}
