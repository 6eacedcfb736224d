//! SSH: `git-upload-pack` on a session channel.
//!
//! The host key is checked against the remote's own `known_hosts`, never against the machine's; the key
//! never leaves memory. Dropping the session drops the connection.
//!
//! Source: fluxcd/pkg git/gogit/transport.go; go-git plumbing/transport/ssh.

use std::{
    borrow::Cow,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use russh::{
    ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Preferred,
    client::{self, AuthResult, Handle, Msg},
    kex,
    keys::{
        Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key,
    },
};

use super::{Body, known_hosts::KnownHosts};
use crate::{
    error::{Error, TransportError},
    protocol::advertisement::remote_error,
    remote::{Credentials, Remote, Settings, percent_decode},
    secret::Secret,
};

/// What a server may say on its error channel.
const MAX_COMPLAINT: usize = 4096;

/// Tells whether the settings can open a connection.
pub(crate) fn check(settings: &Settings) -> Result<(), Error> {
    let Credentials::SshKey { known_hosts, .. } = &settings.credentials else {
        return Err(Error::Settings(
            "invalid 'ssh' auth option: 'identity' is required".to_owned(),
        ));
    };
    KnownHosts::parse(known_hosts)?;
    private_key(settings)?;
    kex_algorithms(settings)?;
    host_key_algorithms(settings)?;
    Ok(())
}

/// Whether a private key needs a passphrase, which a controller tells apart before it connects.
pub fn ssh_key_is_encrypted(identity: &str) -> bool {
    identity.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || identity.contains("Proc-Type: 4,ENCRYPTED")
        || matches!(
            decode_secret_key(identity, None),
            Err(russh::keys::Error::KeyIsEncrypted)
        )
}

fn private_key(settings: &Settings) -> Result<PrivateKey, Error> {
    let Credentials::SshKey {
        identity, password, ..
    } = &settings.credentials
    else {
        return Err(Error::Settings("ssh: no key found".to_owned()));
    };
    let password = password.as_ref().map(Secret::expose);
    decode_secret_key(identity.expose(), password).map_err(|_| {
        let locked = password.is_none() && ssh_key_is_encrypted(identity.expose());
        Error::Settings(
            if locked {
                "ssh: this private key is passphrase protected"
            } else {
                "ssh: the private key cannot be read"
            }
            .to_owned(),
        )
    })
}

fn kex_algorithms(settings: &Settings) -> Result<Cow<'static, [kex::Name]>, Error> {
    if settings.ssh_kex.is_empty() {
        return Ok(Preferred::DEFAULT.kex);
    }
    let mut names = Vec::new();
    for name in &settings.ssh_kex {
        names.push(kex::Name::try_from(name.as_str()).map_err(|()| {
            Error::Settings(format!("ssh: unsupported key exchange algorithm '{name}'"))
        })?);
    }
    names.extend([
        kex::EXTENSION_SUPPORT_AS_CLIENT,
        kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    ]);
    Ok(Cow::Owned(names))
}

fn host_key_algorithms(settings: &Settings) -> Result<Vec<Algorithm>, Error> {
    let mut out = Vec::new();
    for name in &settings.ssh_host_keys {
        let algorithm = Algorithm::from_str(name).map_err(|_| {
            Error::Settings(format!("ssh: unsupported host key algorithm '{name}'"))
        })?;
        out.push(algorithm);
    }
    Ok(out)
}

/// An open channel to `git-upload-pack`.
pub(crate) struct Session {
    handle: Handle<Client>,
    output: ChannelWriteHalf<Msg>,
    complaint: Arc<Mutex<String>>,
    body: Option<Body>,
}

/// The channel's output.
pub(crate) struct Incoming {
    input: ChannelReadHalf,
    complaint: Arc<Mutex<String>>,
}

/// Judges the host key.
struct Client {
    hosts: KnownHosts,
    host: String,
    port: u16,
    verdict: Arc<Mutex<Option<TransportError>>>,
}

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let verdict = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                self.hosts.check(&self.host, self.port, key)
            }
            PublicKeyOrCertificate::Certificate(_) => Err(TransportError::HostKey(
                "knownhosts: certificates are not supported".to_owned(),
            )),
        };
        let good = verdict.is_ok();
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict.err();
        Ok(good)
    }
}

impl Session {
    /// Connects, authenticates and starts the command.
    pub(crate) async fn open(remote: &Remote) -> Result<(Self, Body), TransportError> {
        let settings = remote.settings();
        let url = remote.address();
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port().unwrap_or(22);
        let refused = |error: Error| TransportError::Handshake(error.to_string());
        let Credentials::SshKey { known_hosts, .. } = &settings.credentials else {
            return Err(TransportError::Unauthorized);
        };
        let hosts = KnownHosts::parse(known_hosts).map_err(refused)?;
        let mut key_algorithms: Vec<Algorithm> = host_key_algorithms(settings).map_err(refused)?;
        if key_algorithms.is_empty() {
            key_algorithms = hosts.algorithms(&host, port);
        }
        let mut preferred = Preferred {
            kex: kex_algorithms(settings).map_err(refused)?,
            ..Preferred::DEFAULT
        };
        if !key_algorithms.is_empty() {
            preferred.key = Cow::Owned(key_algorithms);
        }
        let config = client::Config {
            preferred,
            nodelay: true,
            ..client::Config::default()
        };
        let verdict = Arc::new(Mutex::new(None));
        let client = Client {
            hosts,
            host: host.clone(),
            port,
            verdict: Arc::clone(&verdict),
        };
        let stream = super::proxy::connect(settings.proxy.as_ref(), &host, port).await?;
        let mut handle = client::connect_stream(Arc::new(config), stream, client)
            .await
            .map_err(|error| judged(&error, &verdict))?;
        authenticate(&mut handle, remote).await?;
        let channel = handle
            .channel_open_session()
            .await
            .map_err(|error| classify(&error))?;
        channel
            .exec(true, command(url))
            .await
            .map_err(|error| classify(&error))?;
        let (input, output) = channel.split();
        let complaint = Arc::new(Mutex::new(String::new()));
        let body = Body::ssh(Incoming {
            input,
            complaint: Arc::clone(&complaint),
        });
        Ok((
            Self {
                handle,
                output,
                complaint,
                body: None,
            },
            body,
        ))
    }

    /// Keeps the channel's output for the answer to come.
    pub(crate) fn with(self, body: Body) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// Prefers what the server said on its error channel to a bare end of the stream.
    pub(crate) fn explain(&self, error: TransportError) -> TransportError {
        let complaint = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if complaint.trim().is_empty() {
            error
        } else {
            remote_error(&complaint)
        }
    }

    /// Says that nothing is wanted, without which a server logs a broken connection.
    pub(crate) async fn goodbye(self) {
        if self.output.data(&b"0000"[..]).await.is_ok() {
            // Whether it was heard is the server's loss only.
            drop(self.output.eof().await);
        }
    }

    /// Sends a request; works once.
    pub(crate) async fn upload(&mut self, request: Vec<u8>) -> Result<Body, TransportError> {
        let body = self
            .body
            .take()
            .filter(|_| !self.handle.is_closed())
            .ok_or_else(|| TransportError::protocol("the SSH session is used up"))?;
        self.output
            .data(request.as_slice())
            .await
            .map_err(|error| classify(&error))?;
        Ok(body)
    }
}

impl Incoming {
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            match self.input.wait().await {
                Some(ChannelMsg::Data { data }) => return Ok(Some(data)),
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let mut complaint = self
                        .complaint
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    if complaint.len() + data.len() <= MAX_COMPLAINT {
                        complaint.push_str(&String::from_utf8_lossy(&data));
                    }
                }
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return Ok(None),
                Some(_) => {}
            }
        }
    }
}

async fn authenticate(handle: &mut Handle<Client>, remote: &Remote) -> Result<(), TransportError> {
    let key = private_key(remote.settings())
        .map_err(|error| TransportError::Handshake(error.to_string()))?;
    let hash = if matches!(key.algorithm(), Algorithm::Rsa { .. }) {
        handle
            .best_supported_rsa_hash()
            .await
            .map_err(|error| classify(&error))?
            .flatten()
    } else {
        None
    };
    let user = match remote.address().username() {
        "" => "git".to_owned(),
        user => percent_decode(user),
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    match handle
        .authenticate_publickey(user, key)
        .await
        .map_err(|error| classify(&error))?
    {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { .. } => Err(TransportError::Unauthorized),
    }
}

/// The command for a path, quoted for a shell.
fn command(url: &reqwest::Url) -> String {
    let path = percent_decode(url.path());
    let path = if path.starts_with("/~") {
        path.replacen('/', "", 1)
    } else {
        path
    };
    format!(
        "git-upload-pack '{}'",
        path.replace('\'', "'\\''").replace('!', "'\\!'")
    )
}

fn judged(error: &russh::Error, verdict: &Mutex<Option<TransportError>>) -> TransportError {
    let verdict = verdict
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    verdict.unwrap_or_else(|| classify(error))
}

fn classify(error: &russh::Error) -> TransportError {
    match error {
        russh::Error::NoCommonAlgo { kind, ours, theirs } => TransportError::Handshake(format!(
            "ssh: no common algorithm for {}; we offered: {ours:?}, peer offered: {theirs:?}",
            match kind {
                russh::AlgorithmKind::Kex => "key exchange",
                russh::AlgorithmKind::Key => "host key",
                russh::AlgorithmKind::Cipher => "cipher",
                russh::AlgorithmKind::Compression => "compression",
                russh::AlgorithmKind::Mac => "MAC",
            }
        )),
        russh::Error::IO(error) => TransportError::Connect(format!("dial tcp: {error}")),
        russh::Error::ConnectionTimeout
        | russh::Error::InactivityTimeout
        | russh::Error::KeepaliveTimeout => TransportError::Timeout,
        other => TransportError::Handshake(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted() {
        for (url, want) in [
            ("ssh://git@h/org/app.git", "git-upload-pack '/org/app.git'"),
            ("ssh://h:22/~me/app", "git-upload-pack '~me/app'"),
            ("ssh://h/it's%20a;rm", "git-upload-pack '/it'\\''s a;rm'"),
        ] {
            assert_eq!(command(&reqwest::Url::parse(url).expect("url")), want);
        }
    }
}
