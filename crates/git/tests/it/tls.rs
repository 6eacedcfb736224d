//! Own authorities, client certificates and proxies.

use std::sync::Arc;

use git::{ClientIdentity, Error, FetchOptions, Kind, Proxy, Reference, Remote, Secret, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

use crate::{
    cache, fetch, listing,
    repository::Repository,
    server::{Proxy as TestProxy, Server},
    settings,
};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("key")).expect("authority")
}

fn server(authority: &Authority, name: &str, clients: Option<&Authority>) -> Server {
    let key = KeyPair::generate().expect("key");
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .expect("params")
        .signed_by(&key, authority)
        .expect("certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).expect("root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("verifier"))
        }
    };
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("key");
    Server::https(
        builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("config"),
    )
}

async fn outcome(url: &str, settings: Settings) -> Result<Vec<String>, Error> {
    let (_dir, cache) = cache();
    let remote = Remote::new(url, settings)?;
    match cache
        .fetch(
            &remote,
            &Reference::branch("main"),
            &FetchOptions::default(),
        )
        .await?
    {
        git::Fetched::New { contents, .. } => Ok(listing(&contents)),
        git::Fetched::Unchanged { .. } => unreachable!("no last revision was given"),
    }
}

#[tokio::test]
async fn an_own_authority_is_trusted_when_given() {
    let (ours, other) = (authority(), authority());
    let server = server(&ours, "127.0.0.1", None);
    let repository = Repository::new(&server.root(), "app.git");
    repository.change("a", "1\n");
    let url = server.url("app.git");
    let ca = |pem: &str| Settings {
        ca: Some(pem.as_bytes().to_vec()),
        ..settings()
    };
    let got = outcome(&url, ca(&ours.pem())).await.expect("trusted");
    assert_eq!(got, repository.tree("HEAD"));
    let both = format!("{}{}", other.pem(), ours.pem());
    assert_eq!(outcome(&url, ca(&both)).await.expect("bundle"), got);
    for settings in [settings(), ca(&other.pem())] {
        let error = outcome(&url, settings).await.expect_err("untrusted");
        assert_eq!(error.kind(), Kind::Tls);
        assert!(
            error
                .to_string()
                .ends_with("x509: certificate signed by unknown authority"),
            "{error}"
        );
    }
    for garbage in ["", "garbage"] {
        let error = outcome(&url, ca(garbage)).await.expect_err("garbage");
        assert_eq!(error.kind(), Kind::Settings);
        assert!(error.to_string().contains("x509: "), "{error}");
    }
}

#[tokio::test]
async fn the_name_is_checked() {
    let ours = authority();
    let server = server(&ours, "elsewhere.example", None);
    let settings = Settings {
        ca: Some(ours.pem().into_bytes()),
        ..settings()
    };
    let error = outcome(&server.url("app.git"), settings)
        .await
        .expect_err("name");
    assert_eq!(error.kind(), Kind::Tls);
    assert!(
        error
            .to_string()
            .contains("x509: certificate is not valid for"),
        "{error}"
    );
}

#[tokio::test]
async fn client_certificates_are_shown() {
    let ours = authority();
    let server = server(&ours, "127.0.0.1", Some(&ours));
    let repository = Repository::new(&server.root(), "app.git");
    repository.change("a", "1\n");
    let key = KeyPair::generate().expect("key");
    let certificate = CertificateParams::new(vec!["client".to_owned()])
        .expect("params")
        .signed_by(&key, &ours)
        .expect("certificate");
    let with = |identity| Settings {
        ca: Some(ours.pem().into_bytes()),
        client_identity: identity,
        ..settings()
    };
    let identity = |key: &str| {
        Some(ClientIdentity {
            certificate: certificate.pem(),
            key: Secret::new(key),
        })
    };
    let url = server.url("app.git");
    let got = outcome(&url, with(identity(&key.serialize_pem())))
        .await
        .expect("certificate");
    assert_eq!(got, repository.tree("HEAD"));
    assert!(outcome(&url, with(None)).await.is_err());
    let error = outcome(&url, with(identity("garbage")))
        .await
        .expect_err("garbage");
    assert_eq!(
        error.to_string(),
        "tls: failed to find any PEM data in key input"
    );
}

#[tokio::test]
async fn a_proxy_is_gone_through() {
    let ours = authority();
    for (through, credentials) in [
        (TestProxy::start(), "Basic bWU6czNjcmV0"),
        (TestProxy::socks(), "me:s3cret"),
    ] {
        for server in [Server::http(), server(&ours, "127.0.0.1", None)] {
            let repository = Repository::new(&server.root(), "app.git");
            repository.change("a", "1\n");
            let settings = Settings {
                ca: Some(ours.pem().into_bytes()),
                proxy: Some(Proxy {
                    address: through.address.clone(),
                    username: Some("me".to_owned()),
                    password: Some(Secret::new("s3cret")),
                }),
                ..settings()
            };
            let remote = Remote::new(&server.url("app.git"), settings).expect("remote");
            let (_dir, cache) = cache();
            let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
            assert_eq!(listing(&contents), repository.tree("HEAD"));
            let seen = through.seen();
            assert!(!seen.is_empty());
            for (line, shown) in seen {
                assert!(line.contains(&server.port().to_string()), "{line}");
                assert_eq!(shown.as_deref(), Some(credentials), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn a_bad_proxy_is_a_setting() {
    let proxy = Proxy {
        address: "::bad::".to_owned(),
        username: None,
        password: None,
    };
    let settings = Settings {
        proxy: Some(proxy),
        ..settings()
    };
    let error = outcome("http://127.0.0.1:1/x", settings)
        .await
        .expect_err("proxy");
    assert_eq!(error.kind(), Kind::Settings);
}
