//! The other end of a connection: a server with TLS, or a proxy, that tells what reaches it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// An authority of certificates.
pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

/// What reached the other end.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The request's first line.
    pub(super) line: String,
    /// The other lines of its head.
    pub(super) head: Vec<String>,
    /// Whether the client showed a certificate.
    pub(super) client_certificate: bool,
}

/// A listener whose thread lives as long as the process.
pub(super) struct Peer {
    pub(super) port: u16,
    pub(super) arrivals: UnboundedReceiver<Arrival>,
}

impl Peer {
    /// Takes plain connections.
    pub(super) fn plain() -> Self {
        Self::start(None)
    }

    /// Takes TLS connections as `localhost`; with `clients`, only from those with a certificate of theirs.
    pub(super) fn secure(authority: &Authority, clients: Option<&Authority>) -> Self {
        let (certificate, key) = issue(authority, "localhost");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.der().clone()).expect("root");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("verifier"))
            }
        };
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("key");
        let config = builder.with_single_cert(vec![certificate.der().clone()], key);
        Self::start(Some(Arc::new(config.expect("config"))))
    }

    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("address").port();
        let (sender, arrivals) = unbounded_channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                let tls = tls.clone();
                thread::spawn(move || match tls {
                    None => answer(stream, |_| false, &sender),
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("connection");
                        let shown = |stream: &StreamOwned<ServerConnection, _>| {
                            stream.conn.peer_certificates().is_some()
                        };
                        answer(StreamOwned::new(connection, stream), shown, &sender);
                    }
                });
            }
        });
        Self { port, arrivals }
    }
}

/// An authority of its own.
pub(super) fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("key")).expect("authority")
}

/// A certificate for a name, and its key in PEM.
pub(super) fn issue(authority: &Authority, name: &str) -> (rcgen::Certificate, String) {
    let key = KeyPair::generate().expect("key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("params");
    (
        params.signed_by(&key, authority).expect("certificate"),
        key.serialize_pem(),
    )
}

/// Reads one request, tells about it, answers with 200. A broken connection is the client's to tell about.
fn answer<S: Read + Write>(stream: S, shown: fn(&S) -> bool, sender: &UnboundedSender<Arrival>) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("length"))];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    let line = lines.remove(0);
    let client_certificate = shown(stream.get_ref());
    // The test may be over.
    _ = sender.send(Arrival {
        line,
        head: lines,
        client_certificate,
    });
    let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";
    _ = stream.get_mut().write_all(answer);
    _ = stream.get_mut().flush();
}
