//! Certificates and proxies, for every provider whose transport is the shared client.

use api::{event::Event, notification::ProviderType};
use notifier::{Settings, Shared, SharedOptions, Tls};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    case::chain,
    peer::{Peer, authority, issue},
};

/// All that post what they compose.
pub(super) const WEBHOOKS: [ProviderType; 20] = [
    ProviderType::Alertmanager,
    ProviderType::Datadog,
    ProviderType::Discord,
    ProviderType::Generic,
    ProviderType::GenericHmac,
    ProviderType::GoogleChat,
    ProviderType::Grafana,
    ProviderType::IncidentIo,
    ProviderType::Lark,
    ProviderType::Matrix,
    ProviderType::MsTeams,
    ProviderType::Opsgenie,
    ProviderType::PagerDuty,
    ProviderType::Rocket,
    ProviderType::Sentry,
    ProviderType::Slack,
    ProviderType::Telegram,
    ProviderType::Webex,
    ProviderType::Zoom,
    ProviderType::Zulip,
];

/// Settings with all that a provider may want.
pub(super) fn settings(provider_type: &ProviderType, address: &str) -> Settings {
    let mut settings = Settings::new(provider_type.clone());
    settings.address = address.into();
    settings.channel = "channel/topic".into();
    settings.token = "token".into();
    settings
}

pub(super) fn error_event() -> Event {
    let event = json!({
        "involvedObject": { "kind": "Kustomization", "namespace": "apps", "name": "web", "uid": "1" },
        "severity": "error",
        "timestamp": "2026-11-25T12:00:00Z",
        "message": "it failed",
        "reason": "BuildFailed",
        "reportingController": "kustomize-controller",
    });
    serde_json::from_value(event).expect("an event")
}

#[tokio::test]
async fn an_authority_of_its_own_is_honoured_by_all() {
    let authority = authority();
    let mut peer = Peer::secure(&authority, None);
    let shared = Shared::new(SharedOptions::default());
    // Telegram's host is not the user's to choose.
    for provider_type in WEBHOOKS.iter().filter(|it| **it != ProviderType::Telegram) {
        let mut settings = settings(
            provider_type,
            &format!("https://key@localhost:{}/1", peer.port),
        );
        settings.tls = Some(Tls {
            ca: Some(authority.pem().into_bytes()),
            identity: None,
        });
        let notifier = notifier::build(&settings, &shared).expect("a notifier");
        let posted = notifier
            .post(&error_event())
            .await
            .map_err(|error| chain(&error));
        assert_eq!(posted, Ok(()), "{provider_type}");
        let arrival = peer.arrivals.recv().await.expect("a request");
        assert!(
            arrival.line.ends_with(" HTTP/1.1"),
            "{provider_type}: {arrival:?}"
        );
    }
}

#[tokio::test]
async fn a_proxy_is_honoured_by_all() {
    let mut peer = Peer::plain();
    let shared = Shared::new(SharedOptions::default());
    let proxy = format!("http://user:p%40ss@127.0.0.1:{}", peer.port);
    for provider_type in &WEBHOOKS {
        let mut settings = settings(provider_type, "https://key@provider.invalid/1");
        settings.proxy = Some(proxy.parse().expect("URL"));
        let notifier = notifier::build(&settings, &shared).expect("a notifier");
        let event = error_event();
        // What comes back through the tunnel is no TLS, so the delivery itself never ends well.
        let arrival = tokio::select! {
            // The request arrives before its answer, and both may be there by now.
            biased;
            arrival = peer.arrivals.recv() => arrival.expect("a request"),
            posted = notifier.post(&event) => panic!("{provider_type}: {posted:?}"),
        };
        let host = match provider_type {
            ProviderType::Telegram => "api.telegram.org",
            _ => "provider.invalid",
        };
        assert_eq!(
            arrival.line,
            format!("CONNECT {host}:443 HTTP/1.1"),
            "{provider_type}"
        );
        let login = arrival
            .head
            .iter()
            .any(|line| line.eq_ignore_ascii_case("proxy-authorization: Basic dXNlcjpwQHNz"));
        assert!(login, "{provider_type}: {arrival:?}");
    }
}

#[tokio::test]
async fn a_plain_request_goes_to_the_proxy_whole() {
    let mut peer = Peer::plain();
    let shared = Shared::new(SharedOptions::default());
    let mut settings = settings(&ProviderType::Slack, "http://provider.invalid/hook");
    settings.proxy = Some(
        format!("http://127.0.0.1:{}", peer.port)
            .parse()
            .expect("URL"),
    );
    let notifier = notifier::build(&settings, &shared).expect("a notifier");
    notifier.post(&error_event()).await.expect("delivery");
    let arrival = peer.arrivals.recv().await.expect("a request");
    assert_eq!(arrival.line, "POST http://provider.invalid/hook HTTP/1.1");
}

#[tokio::test]
async fn a_socks_proxy_is_told_the_name() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let proxy = format!(
        "socks5://127.0.0.1:{}",
        listener.local_addr().expect("address").port()
    );
    let mut settings = settings(&ProviderType::Slack, "https://provider.invalid/hook");
    settings.proxy = Some(proxy.parse().expect("URL"));
    let shared = Shared::new(SharedOptions::default());
    let notifier = notifier::build(&settings, &shared).expect("a notifier");
    let event = error_event();
    let greeted = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.expect("a greeting");
        stream.write_all(&[5, 0]).await.expect("an answer");
        let mut request = vec![0; 5 + "provider.invalid".len() + 2];
        stream.read_exact(&mut request).await.expect("a request");
        request
    };
    let request = tokio::select! {
        posted = notifier.post(&event) => panic!("{posted:?}"),
        request = greeted => request,
    };
    // RFC 1928: connect to a name of sixteen bytes, port 443.
    let expected = [&[5, 1, 0, 3, 16], &b"provider.invalid"[..], &[1, 187]].concat();
    assert_eq!(request, expected);
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let (servers, clients) = (authority(), authority());
    let mut peer = Peer::secure(&servers, Some(&clients));
    let (certificate, key) = issue(&clients, "client");
    let mut settings = settings(
        &ProviderType::Generic,
        &format!("https://localhost:{}/", peer.port),
    );
    settings.tls = Some(Tls {
        ca: Some(servers.pem().into_bytes()),
        identity: Some((certificate.pem().into_bytes(), key.into_bytes())),
    });
    let shared = Shared::new(SharedOptions::default());
    let notifier = notifier::build(&settings, &shared).expect("a notifier");
    notifier.post(&error_event()).await.expect("delivery");
    assert!(
        peer.arrivals
            .recv()
            .await
            .expect("a request")
            .client_certificate
    );
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let (ours, theirs) = (authority(), authority());
    let peer = Peer::secure(&theirs, None);
    let shared = Shared::new(SharedOptions::default());
    let trusted = Some(Tls {
        ca: Some(ours.pem().into_bytes()),
        identity: None,
    });
    // Without an authority of its own the system's count, and instead of them only its own.
    for tls in [None, trusted] {
        let address = format!("https://localhost:{}/secret", peer.port);
        let mut settings = settings(&ProviderType::Slack, &address);
        settings.tls = tls;
        let notifier = notifier::build(&settings, &shared).expect("a notifier");
        let error = chain(&notifier.post(&error_event()).await.expect_err("a stranger"));
        let shown = format!("https://localhost:{}/*****", peer.port);
        assert_eq!(
            error,
            format!(
                "postMessage failed: failed to execute request: POST {shown} giving up after 1 attempt(s): \
                 Post \"{shown}\": tls: failed to verify certificate: x509: certificate signed by unknown authority"
            )
        );
    }
}

#[test]
fn certificates_and_proxies_that_cannot_be_used() {
    let shared = Shared::new(SharedOptions::default());
    let (certificate, key) = issue(&authority(), "client");
    let (_, other_key) = issue(&authority(), "client");
    let pem = certificate.pem().into_bytes();
    let tls = |ca: Option<&[u8]>, identity: Option<(&[u8], &[u8])>| {
        Some(Tls {
            ca: ca.map(<[u8]>::to_vec),
            identity: identity.map(|(certificate, key)| (certificate.to_vec(), key.to_vec())),
        })
    };
    let rows = [
        (
            tls(Some(b"garbage"), None),
            None,
            "failed to get TLS config: failed to append CA certificate to certificate pool",
        ),
        (
            tls(None, Some((b"garbage", key.as_bytes()))),
            None,
            "failed to get TLS config: tls: failed to find any PEM data in certificate input",
        ),
        (
            tls(None, Some((&pem, b"garbage"))),
            None,
            "failed to get TLS config: tls: failed to find any PEM data in key input",
        ),
        (
            tls(None, Some((&pem, other_key.as_bytes()))),
            None,
            "failed to get TLS config: tls: keys may not be consistent: KeyMismatch",
        ),
        (
            None,
            Some("ftp://proxy"),
            "failed to get proxy URL: proxy URL scheme 'ftp' is not supported",
        ),
    ];
    for (tls, proxy, expected) in rows {
        let mut settings = settings(&ProviderType::Slack, "https://example.com/hook");
        settings.tls = tls;
        settings.proxy = proxy.map(|proxy| proxy.parse().expect("URL"));
        let error = notifier::build(&settings, &shared)
            .map(|_| ())
            .map_err(|error| chain(&error));
        assert_eq!(error, Err(expected.to_owned()));
    }
}
