//! Providers: where notifications go.
//!
//! `entry` keeps a Provider with its compiled expression, `commit_status` names commit statuses with it,
//! `settings` makes a notifier's settings of a Provider and its Secrets, `identity` is a service account at a
//! cloud provider, `tokens` counts what the cache of access tokens does, `finalizer` is the reconciler.

pub(crate) mod commit_status;
mod entry;
pub(crate) mod finalizer;
mod identity;
mod settings;
mod tokens;

use runtime::controller::Name;

pub(crate) use self::{
    entry::{Entry, Providers},
    identity::ServiceAccount,
    settings::{Sources, resolve},
    tokens::TokenMetrics,
};
use crate::context::GROUP;

/// What the controller is called.
pub(crate) const NAME: Name = Name {
    controller: "provider",
    group: GROUP,
    kind: "Provider",
};
