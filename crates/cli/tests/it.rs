//! The command as a user runs it, beside the real `kustomize` 5.8.1.

#[path = "it/flags.rs"]
mod flags;
#[path = "it/generate.rs"]
mod generate;
#[expect(
    dead_code,
    reason = "shared with the engine's tests, which use all of it"
)]
#[path = "../../kustomize/tests/it/oracle.rs"]
mod oracle;
#[path = "it/remote.rs"]
mod remote;
#[path = "it/run.rs"]
mod run;
#[path = "it/server.rs"]
mod server;
