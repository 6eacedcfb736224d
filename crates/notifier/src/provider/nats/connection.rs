//! A publisher's connection to a NATS server.
//!
//! Spoken by hand rather than through a client library: an event needs five of the protocol's verbs
//! and a connection that lives for one message, and only a ping after the message tells whether the
//! server has taken or refused it. Lines are bounded. Source: NATS' "Client Protocol", nats.go
//! 1.49.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::credentials::Credentials;
use super::server::Server;

/// How long one server may take to let a client in, as in nats.go.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest line of a server that is read, in bytes. The first one lists the whole cluster.
const MAX_LINE: u64 = 256 << 10;

/// Why a message has not reached a server.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("nats: timeout")]
    Timeout,
    #[error("nats: connection closed")]
    Closed,
    /// In the server's words.
    #[error("nats: {0}")]
    Refused(String),
    #[error("nats: protocol error")]
    Protocol,
    #[error("nats: maximum payload exceeded")]
    TooLarge,
    #[error("nats: {0:?} is no name for a certificate")]
    Name(String),
    #[error("error signing the server's challenge")]
    Sign,
}

/// A connection that lets publish.
pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    max_payload: usize,
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// What a server says first.
#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    tls_required: bool,
    #[serde(default = "unbounded")]
    max_payload: usize,
}

/// What a client answers. The oldest version of the protocol does, which sends no more news.
#[derive(Serialize)]
struct Connect<'a> {
    verbose: bool,
    pedantic: bool,
    tls_required: bool,
    name: &'a str,
    lang: &'a str,
    version: &'a str,
    protocol: u8,
    #[serde(flatten)]
    proof: super::credentials::Proof<'a>,
}

fn unbounded() -> usize {
    usize::MAX
}

impl Connection {
    /// Connects to a server and waits until it has let the client in.
    pub(super) async fn open(
        server: &Server,
        name: &str,
        credentials: &Credentials,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, LinkError> {
        let opened = Self::handshake(server, name, credentials, tls);
        tokio::time::timeout(PATIENCE, opened)
            .await
            .map_err(|_| LinkError::Timeout)?
    }

    async fn handshake(
        server: &Server,
        name: &str,
        credentials: &Credentials,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, LinkError> {
        let plain = TcpStream::connect((server.host.as_str(), server.port)).await?;
        plain.set_nodelay(true)?;
        let mut connection = Self {
            stream: BufReader::new(Box::new(plain)),
            max_payload: usize::MAX,
        };
        let line = connection.line().await?;
        let info = line.strip_prefix("INFO ").ok_or(LinkError::Protocol)?;
        let info: Info = serde_json::from_str(info).map_err(|_| LinkError::Protocol)?;
        let encrypted = server.tls || info.tls_required;
        if encrypted {
            connection = connection.encrypt(&server.host, tls).await?;
        }
        connection.max_payload = info.max_payload;
        let connect = Connect {
            verbose: false,
            pedantic: false,
            tls_required: encrypted,
            name,
            lang: "rust",
            version: env!("CARGO_PKG_VERSION"),
            protocol: 0,
            proof: credentials.prove(server, &info.nonce)?,
        };
        let connect = serde_json::to_string(&connect).map_err(|_| LinkError::Protocol)?;
        let hello = format!("CONNECT {connect}\r\n");
        connection.exchange(hello.into_bytes()).await?;
        Ok(connection)
    }

    async fn encrypt(self, host: &str, tls: &Arc<ClientConfig>) -> Result<Self, LinkError> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| LinkError::Name(host.to_owned()))?;
        // Servers wait for the client once they have introduced themselves, so nothing is buffered.
        let plain = self.stream.into_inner();
        let connector = TlsConnector::from(Arc::clone(tls));
        let stream = connector.connect(name, plain).await?;
        Ok(Self {
            stream: BufReader::new(Box::new(stream)),
            max_payload: self.max_payload,
        })
    }

    /// Publishes a message and waits until the server has taken it.
    pub(super) async fn publish(&mut self, subject: &str, payload: &[u8]) -> Result<(), LinkError> {
        if payload.len() > self.max_payload {
            return Err(LinkError::TooLarge);
        }
        let mut message = format!("PUB {subject} {}\r\n", payload.len()).into_bytes();
        message.extend_from_slice(payload);
        message.extend_from_slice(b"\r\n");
        self.exchange(message).await
    }

    /// Sends operations and a ping. The server works in order, so what it complains about before it
    /// answers the ping is these operations.
    async fn exchange(&mut self, mut operations: Vec<u8>) -> Result<(), LinkError> {
        operations.extend_from_slice(b"PING\r\n");
        self.stream.write_all(&operations).await?;
        self.stream.flush().await?;
        let mut complaint = None;
        loop {
            let line = match self.line().await {
                Ok(line) => line,
                // It hangs up on those whom it does not let in, after having said so.
                Err(error) => return Err(complaint.map_or(error, LinkError::Refused)),
            };
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("PONG", _) => return complaint.map_or(Ok(()), |why| Err(LinkError::Refused(why))),
                ("PING", _) => {
                    self.stream.write_all(b"PONG\r\n").await?;
                    self.stream.flush().await?;
                }
                ("-ERR", why) => complaint = Some(why.trim().trim_matches('\'').to_owned()),
                ("INFO" | "+OK", _) => {}
                _ => return Err(LinkError::Protocol),
            }
        }
    }

    async fn line(&mut self) -> Result<String, LinkError> {
        let mut line = String::new();
        let mut bounded = (&mut self.stream).take(MAX_LINE);
        bounded.read_line(&mut line).await?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(line.trim_end().to_owned()),
            None if line.is_empty() => Err(LinkError::Closed),
            None => Err(LinkError::Protocol),
        }
    }
}
