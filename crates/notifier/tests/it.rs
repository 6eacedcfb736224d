//! Notifiers against a server on loopback.

#![expect(clippy::panic, reason = "a test helper fails its test")]

mod it {
    mod case;
    mod cases;
    mod server;
}
