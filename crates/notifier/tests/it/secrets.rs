//! No error tells a secret, and neither do settings.

use notifier::{Settings, Shared, SharedOptions};

use super::{
    case::chain,
    connection::{WEBHOOKS, error_event, settings},
    server::{Answer, Server},
};

/// Fills every setting that may hold a secret with one.
fn secretive(mut settings: Settings) -> Settings {
    settings.token = "secret-token".into();
    settings.username = "secret-user".into();
    settings.password = "secret-password".into();
    settings
        .headers
        .insert("x-key".to_owned(), "secret-header".to_owned());
    settings
        .secret
        .insert("token".to_owned(), b"secret-token".to_vec());
    settings
}

#[tokio::test]
async fn errors_tell_no_secret() {
    // An answer of each kind: no, and never.
    let addresses = [
        "https://secret-key@host.invalid/secret-path?secret-query=1",
        "ftp://secret-user:secret-password@host.invalid/secret-path",
        "/secret-path",
        "secret-path",
        "https://secret host/secret-path",
        "https://host:secret-port/",
    ];
    let mut told = 0;
    for provider_type in &WEBHOOKS {
        for address in addresses {
            let server = Server::start(vec![Answer {
                status: 400,
                ..Answer::default()
            }])
            .await;
            let route = Some(server.base.parse().expect("URL"));
            let shared = Shared::new(SharedOptions {
                route,
                ..SharedOptions::default()
            });
            let settings = secretive(settings(provider_type, address));
            let error = match notifier::build(&settings, &shared) {
                Err(error) => chain(&error),
                Ok(notifier) => match notifier.post(&error_event()).await {
                    Err(error) => chain(&error),
                    Ok(()) => panic!("{provider_type} took {address}"),
                },
            };
            assert!(!error.contains("secret"), "{provider_type}: {error}");
            told += usize::from(!error.is_empty());
        }
    }
    assert_eq!(told, WEBHOOKS.len() * addresses.len());
}

#[test]
fn settings_print_names_only() {
    let address = "https://secret-key@host.invalid/secret-path";
    let mut settings = secretive(settings(&WEBHOOKS[0], address));
    settings.proxy = Some(
        "http://secret-user:secret-password@proxy"
            .parse()
            .expect("URL"),
    );
    settings.provider.name = "alertmanager".into();
    let printed = format!("{settings:?}");
    assert!(!printed.contains("secret"), "{printed}");
    assert!(printed.contains(r#"name: "alertmanager""#), "{printed}");
}
