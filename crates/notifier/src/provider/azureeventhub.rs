//! Azure Event Hubs: the event as the body of one message without properties.
//!
//! Sent through the REST API rather than AMQP: one message per event gains nothing from a session,
//! and a request honours the Provider's proxy, certificates and deadline like any other. Source:
//! notification-controller `internal/notifier/azure_eventhub.go`, Event Hubs' "Send event" and
//! "Generate SAS token".

use std::sync::Arc;

use api::event::Event;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::Post;
use crate::error::{BuildError, During, PostError};
use crate::identity::{Access, Cloud};
use crate::json;
use crate::rest::{Call, Rest, segment};
use crate::settings::Settings;
use crate::shared::Shared;

mod connection_string;

use self::connection_string::{Access as Signature, ConnectionString};

/// Event Hubs as a resource of Azure. The doubled slash is part of the name.
const SCOPE: &str = "https://eventhubs.azure.net//.default";

/// What the REST API wants every message to be called, whatever it is.
const CONTENT_TYPE: &str = "application/atom+xml;type=entry;charset=utf-8";

/// The REST API's version; the query is required.
const VERSION: &str = "2014-01";

/// How long a signature holds, in seconds.
const SIGNATURE_LIFETIME: i64 = 300;

/// Sends events to a hub.
pub(crate) struct AzureEventHub {
    rest: Rest,
    /// The hub's URL, which signatures are for.
    hub: String,
    credentials: Credentials,
}

enum Credentials {
    Key { name: String, key: Box<hmac::Key> },
    Signature(String),
    Token(String),
    Identity(Access),
}

impl AzureEventHub {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let Settings {
            address,
            channel,
            token,
            identity,
            ..
        } = settings;
        let refuse = |what| {
            Err(BuildError::Credentials(format!(
                "invalid authentication options: {what}"
            )))
        };
        let by_signature = address.contains("SharedAccessKey");
        match (by_signature, token.is_empty(), identity.is_none()) {
            _ if address.is_empty() => return refuse("endpoint URL cannot be empty"),
            (true, _, false) => {
                return refuse(
                    "serviceAccountName and SAS authentication cannot be set at the same time",
                );
            }
            (true, false, true) => {
                return refuse("jwt token and SAS authentication cannot be set at the same time");
            }
            (false, false, false) => {
                return refuse(
                    "serviceAccountName and jwt token authentication cannot be set at the same time",
                );
            }
            _ => {}
        }
        let (hub, credentials) = if by_signature {
            let parsed = ConnectionString::parse(address).map_err(|why| {
                BuildError::Credentials(format!("failed to create a eventhub using SAS: {why}"))
            })?;
            let credentials = match parsed.access {
                Signature::Key { name, key } => Credentials::Key {
                    name,
                    key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())),
                },
                Signature::Signed(signature) => Credentials::Signature(signature),
            };
            (
                format!("{}/{}", parsed.origin, segment(&parsed.hub)),
                credentials,
            )
        } else {
            let mut host = channel.clone();
            if !host.contains(".servicebus.") {
                host.push_str(shared.environment().event_hubs_suffix());
            }
            let credentials = if token.is_empty() {
                Credentials::Identity(Access::new(settings, shared)?)
            } else {
                Credentials::Token(token.clone())
            };
            (format!("https://{host}/{}", segment(address)), credentials)
        };
        Ok(Self {
            rest: shared.rest(settings)?,
            hub,
            credentials,
        })
    }

    async fn authorization(&self) -> Result<String, PostError> {
        Ok(match &self.credentials {
            Credentials::Key { name, key } => {
                let until = Timestamp::now().as_second() + SIGNATURE_LIFETIME;
                sign(&self.hub, name, key, until)
            }
            Credentials::Signature(signature) => signature.clone(),
            Credentials::Token(token) => format!("Bearer {token}"),
            Credentials::Identity(access) => {
                let token = access.token(Cloud::Azure(SCOPE)).await.map_err(|source| {
                    PostError::Access {
                        context: "failed to create a eventhub using managed identity",
                        source,
                    }
                })?;
                format!("Bearer {}", token.secret)
            }
        })
    }
}

impl Post for AzureEventHub {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let body = json::to_vec(event)?;
            let authorization = self.authorization().await?;
            let call = Call::post(format!("{}/messages", self.hub))
                .query(&[("api-version", VERSION)])
                .authorization(&authorization)
                .body(CONTENT_TYPE, body);
            self.rest.ok(call).await.during("failed to send msg")?;
            Ok(())
        })
    }
}

/// A signature over a resource that holds until a second since 1970.
fn sign(resource: &str, name: &str, key: &hmac::Key, until: i64) -> String {
    let resource = segment(resource);
    let signature = hmac::sign(key, format!("{resource}\n{until}").as_bytes());
    format!(
        "SharedAccessSignature sr={resource}&sig={}&se={until}&skn={}",
        segment(&STANDARD.encode(signature)),
        segment(name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_over_the_encoded_resource_and_the_end() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        let signed = sign(
            "https://ns.servicebus.windows.net/hub",
            "root",
            &key,
            1_700_000_000,
        );
        // openssl dgst -sha256 -hmac secret over "https%3A%2F%2Fns.servicebus.windows.net%2Fhub\n1700000000".
        assert_eq!(
            signed,
            "SharedAccessSignature sr=https%3A%2F%2Fns.servicebus.windows.net%2Fhub&sig=ELRDVliHGymNzuWwVgl0TFV98WzNG7SGTPcU0x%2BAvH8%3D&se=1700000000&skn=root"
        );
    }
}
