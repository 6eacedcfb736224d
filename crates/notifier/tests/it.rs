//! Notifiers against a server on loopback.

#![expect(clippy::panic, reason = "a test helper fails its test")]

mod it {
    mod alertmanager;
    mod bench;
    mod case;
    mod cases;
    mod cloud;
    mod connection;
    mod github_app;
    mod nats;
    mod otel;
    mod peer;
    mod reach;
    mod secrets;
    mod server;
}
