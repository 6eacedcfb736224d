//! `notification.toolkit.fluxcd.io`.
//!
//! Providers and alerts are static: they have no status, and nothing reconciles them. A type or kind that
//! this version does not know is kept by name, because one unreadable object would end the watch
//! for all.

pub mod alert;
mod open_enum;
pub mod provider;
pub mod receiver;
pub mod reference;

pub use alert::{Alert, AlertSpec};
pub use provider::{Provider, ProviderSpec, ProviderType};
pub use receiver::{Receiver, ReceiverSpec, ReceiverStatus, ReceiverType};
pub use reference::CrossNamespaceObjectReference;
