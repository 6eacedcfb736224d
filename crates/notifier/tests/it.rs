//! Notifiers against a server on loopback.

#![expect(clippy::panic, reason = "a test helper fails its test")]

mod it {
    mod bench;
    mod case;
    mod cases;
    mod cloud;
    mod github_app;
    mod nats;
    mod otel;
    mod reach;
    mod server;
}
