//! `Receiver`: gives a webhook its path, and checks what it is asked to do.
//!
//! A run reads the token, derives the path from it and writes both the path and the verdict on the spec into the
//! status. `webhook` answers for what is ready; it never waits for a run. Everything but `reconcile`, `session` and
//! `watch` is pure.
//!
//! Source: notification-controller `internal/controller/receiver_controller.go` (1.9).

mod draft;
mod memory;
mod programs;
mod reconcile;
mod service;
mod session;
mod validate;
mod watch;

use runtime::{client::ResourceRef, controller::Name};

pub(crate) use self::memory::Memory;
pub(crate) use self::programs::{Claims, Filters, Rejected, Rules, Scene};
pub(crate) use self::reconcile::ReceiverReconciler;
pub(crate) use self::service::ReceiverService;

/// What the controller is called.
pub(crate) const NAME: Name = Name {
    controller: "receiver",
    group: crate::context::GROUP,
    kind: "Receiver",
};

/// Before the path's secret part.
pub(crate) const PATH_PREFIX: &str = "/hook/";

/// Where Secrets are served.
pub(crate) fn secrets() -> ResourceRef {
    ResourceRef::namespaced("v1", "Secret", "secrets")
}

/// The key of a Secret that holds the token.
pub(crate) const TOKEN_KEY: &str = "token";

/// The path of the webhook of a receiver. Its secret part is a digest of the plain concatenation of the parts, so
/// receivers whose names and namespaces run together alike share a path if they share the token.
pub(crate) fn path(token: &[u8], namespace: &str, name: &str) -> String {
    let parts = [token, name.as_bytes(), namespace.as_bytes()].concat();
    format!("{PATH_PREFIX}{}", crate::digest::sha256_hex(&parts))
}

#[cfg(test)]
mod tests {
    /// `printf %s tokenhooksapps | sha256sum`
    #[test]
    fn the_path_is_fluxs() {
        assert_eq!(
            super::path(b"token", "apps", "hooks"),
            "/hook/189609a807565a33e1d6d84c3d88042bcffe7ef072bf0a67d48f248a229ce978"
        );
    }
}
