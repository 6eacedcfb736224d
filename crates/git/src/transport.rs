//! Connections to a server: one [`Session`] lists references and then asks for one pack.
//!
//! All waiting is async, so dropping the future closes the connection: a deadline or a cancelled reconcile
//! interrupts the transfer itself. Nothing is shared between sessions but the HTTP client of their [`Remote`].

use bytes::Bytes;

use crate::{
    error::TransportError,
    protocol::{advertisement::Advertisement, packet::Reader},
    remote::Remote,
};

pub(crate) mod http;
mod known_hosts;
mod proxy;
pub(crate) mod ssh;
mod tls;

/// Limit for a listing of references.
const MAX_LISTING: u64 = 256 << 20;

/// What a session cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// HTTP requests, or SSH commands.
    pub requests: u64,
    /// Bytes of all answers' bodies.
    pub received: u64,
    /// Objects in the packs.
    pub objects: u64,
}

impl Traffic {
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.received += other.received;
        self.objects += other.objects;
    }
}

/// A talk with one server.
pub(crate) enum Session {
    Http(http::Session),
    Ssh(Box<ssh::Session>),
}

impl Session {
    /// Connects and lists the references.
    pub(crate) async fn open(
        remote: &Remote,
        traffic: &mut Traffic,
    ) -> Result<(Self, Advertisement), TransportError> {
        let limit = remote.settings().max_bytes.min(MAX_LISTING);
        traffic.requests += 1;
        if remote.http().is_some() {
            let (session, mut body) = http::Session::list(remote).await?;
            body.limit = limit;
            let advertisement = Advertisement::read(&mut Reader::new(&mut body), true).await;
            traffic.received += body.received;
            Ok((Self::Http(session), advertisement?))
        } else {
            let (session, mut body) = ssh::Session::open(remote).await?;
            body.limit = limit;
            let advertisement = Advertisement::read(&mut Reader::new(&mut body), false).await;
            traffic.received += body.received;
            let advertisement = match advertisement {
                Ok(advertisement) => advertisement,
                Err(error) => return Err(session.explain(error)),
            };
            Ok((Self::Ssh(Box::new(session.with(body))), advertisement))
        }
    }

    /// Ends a session that asked for nothing.
    pub(crate) async fn goodbye(self) {
        if let Self::Ssh(session) = self {
            session.goodbye().await;
        }
    }

    /// Whether requests of version 2 can be sent without a new connection.
    pub(crate) fn speaks_v2(&self) -> bool {
        matches!(self, Self::Http(_))
    }

    /// Sends a request for a pack. An SSH session is used up by it.
    pub(crate) async fn upload(
        &mut self,
        remote: &Remote,
        request: Vec<u8>,
        v2: bool,
        traffic: &mut Traffic,
    ) -> Result<Body, TransportError> {
        let mut body = match self {
            Self::Http(session) => {
                traffic.requests += 1;
                session.upload(remote, request, v2).await?
            }
            Self::Ssh(session) => session.upload(request).await?,
        };
        body.limit = remote.settings().max_bytes.saturating_sub(traffic.received);
        body.received = 0;
        Ok(body)
    }
}

/// The bytes of an answer, counted and capped.
pub(crate) struct Body {
    source: Source,
    pub(crate) limit: u64,
    pub(crate) received: u64,
}

enum Source {
    Http(reqwest::Response),
    Ssh(ssh::Incoming),
    #[cfg(test)]
    Fixed(Option<Bytes>),
}

impl Body {
    pub(crate) fn http(response: reqwest::Response) -> Self {
        Self {
            source: Source::Http(response),
            limit: u64::MAX,
            received: 0,
        }
    }

    pub(crate) fn ssh(incoming: ssh::Incoming) -> Self {
        Self {
            source: Source::Ssh(incoming),
            limit: u64::MAX,
            received: 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn from_static(bytes: &'static [u8]) -> Self {
        Self {
            source: Source::Fixed(Some(Bytes::from_static(bytes))),
            limit: u64::MAX,
            received: 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self {
            source: Source::Fixed(Some(bytes.into())),
            limit: u64::MAX,
            received: 0,
        }
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let chunk = match &mut self.source {
            Source::Http(response) => response
                .chunk()
                .await
                .map_err(|error| http::classify(&error))?,
            Source::Ssh(incoming) => incoming.chunk().await?,
            #[cfg(test)]
            Source::Fixed(bytes) => bytes.take(),
        };
        if let Some(chunk) = &chunk {
            self.received += chunk.len() as u64;
            if self.received > self.limit {
                return Err(TransportError::TooLarge(self.limit));
            }
        }
        Ok(chunk)
    }
}
