//! NATS: the event as a message on a subject.
//!
//! Each event has a connection of its own, because events are rare and credentials change. A message
//! counts as sent once the server has answered a ping after it without a complaint in between.
//! Source: notification-controller `internal/notifier/nats.go`.

use std::sync::{Arc, Mutex, PoisonError};

use api::event::Event;
use async_nats::{ConnectOptions, ServerAddr};
use futures::future::BoxFuture;

use super::Post;
use crate::error::{BuildError, PostError};
use crate::http;
use crate::json;
use crate::settings::{Settings, Tls};

const NAME: &str = "NATS Provider Publisher";

/// Publishes events on a subject.
pub(crate) struct Nats {
    servers: Vec<ServerAddr>,
    subject: String,
    credentials: Credentials,
    tls: Option<Tls>,
}

/// What lets a client in, the first that the Secret holds.
enum Credentials {
    /// A signed token and the key that it is for.
    File(String),
    /// The seed of a key.
    Seed(String),
    Password {
        user: String,
        password: String,
    },
    /// What the address says, if anything.
    None,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Nats {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let Settings {
            address,
            channel,
            username,
            password,
            ..
        } = settings;
        if address.is_empty() {
            return Err(BuildError::Missing("NATS server (address) cannot be empty"));
        }
        if channel.is_empty() {
            return Err(BuildError::Missing(
                "NATS subject (channel) cannot be empty",
            ));
        }
        let secret = |key| {
            let value = settings.secret.get(key).filter(|value| !value.is_empty());
            value.map(|value| String::from_utf8_lossy(value).trim().to_owned())
        };
        let servers: Vec<ServerAddr> = address
            .split(',')
            .map(|server| server.trim().parse())
            .collect::<Result<_, _>>()
            // The reason may quote the address, which may hold a password.
            .map_err(|_| BuildError::Missing("invalid NATS server (address)"))?;
        let in_address = servers.iter().find_map(|server| {
            let user = server.username()?.to_owned();
            let password = server.password().unwrap_or_default().to_owned();
            Some(Credentials::Password { user, password })
        });
        let credentials = if let Some(file) = secret("creds") {
            Credentials::File(file)
        } else if let Some(seed) = secret("nkey") {
            Credentials::Seed(seed)
        } else if let Some(credentials) = in_address {
            credentials
        } else if !username.is_empty() && !password.is_empty() {
            Credentials::Password {
                user: username.clone(),
                password: password.clone(),
            }
        } else {
            Credentials::None
        };
        Ok(Self {
            servers,
            subject: channel.clone(),
            credentials,
            tls: settings.tls.clone(),
        })
    }

    async fn publish(&self, event: Vec<u8>) -> Result<(), Failure> {
        // The server complains about a message on its own account, before it answers the ping.
        let complaint: Arc<Mutex<Option<String>>> = Arc::default();
        let heard = Arc::clone(&complaint);
        let mut options = ConnectOptions::new()
            .name(NAME)
            .event_callback(move |event| {
                if let async_nats::Event::ServerError(error) = event {
                    *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                }
                std::future::ready(())
            });
        if let Some(tls) = &self.tls {
            options = options.tls_client_config(http::tls_config(Some(tls))?);
        }
        options = match &self.credentials {
            Credentials::File(file) => options.credentials(file)?,
            Credentials::Seed(seed) => options.nkey(seed.clone()),
            Credentials::Password { user, password } => {
                options.user_and_password(user.clone(), password.clone())
            }
            Credentials::None => options,
        };
        let client = options
            .connect(self.servers.as_slice())
            .await
            .map_err(|error| format!("error connecting to server: {error}"))?;
        let failed = |error: &dyn std::fmt::Display| -> Failure {
            format!("error publishing message to server: {error}").into()
        };
        client
            .publish(self.subject.clone(), event.into())
            .await
            .map_err(|error| failed(&error))?;
        client.flush().await.map_err(|error| failed(&error))?;
        client.drain().await.map_err(|error| failed(&error))?;
        let complaint = complaint.lock().unwrap_or_else(PoisonError::into_inner);
        match complaint.as_ref() {
            Some(complaint) => Err(failed(complaint)),
            None => Ok(()),
        }
    }
}

impl Post for Nats {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let event = json::to_vec(event)?;
            self.publish(event)
                .await
                .map_err(|source| PostError::Publish {
                    context: format!("error publishing event to subject {}", self.subject),
                    source,
                })
        })
    }
}
