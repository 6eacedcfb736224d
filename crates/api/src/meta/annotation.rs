//! Annotations and labels that Flux's controllers read.

/// A changed value asks for a reconcile at once. It is a token, by convention a time.
pub const RECONCILE_REQUEST: &str = "reconcile.fluxcd.io/requestedAt";

/// Annotations under this prefix are copied into the object's events.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// The conventional label that names an object's shard.
pub const SHARD_KEY: &str = "sharding.fluxcd.io/key";

/// Label on ConfigMaps and Secrets: a change in them wakes the objects that name them.
pub const WATCH: &str = "reconcile.fluxcd.io/watch";

/// Value of [`WATCH`].
pub const WATCH_ENABLED: &str = "Enabled";

/// Event metadata of sources: revision of the artifact.
pub const SOURCE_REVISION: &str = "source.toolkit.fluxcd.io/revision";

/// Event metadata of sources: digest of the artifact.
pub const SOURCE_DIGEST: &str = "source.toolkit.fluxcd.io/digest";

/// Event metadata of Kustomizations: revision of the source.
pub const KUSTOMIZE_REVISION: &str = "kustomize.toolkit.fluxcd.io/revision";

/// Event metadata of Kustomizations: revision at the origin of the artifact.
pub const KUSTOMIZE_ORIGIN_REVISION: &str = "kustomize.toolkit.fluxcd.io/originRevision";

/// Event metadata of Kustomizations: asks for the commit's status to be updated.
pub const KUSTOMIZE_COMMIT_STATUS: &str = "kustomize.toolkit.fluxcd.io/commit_status";

/// Value of [`KUSTOMIZE_COMMIT_STATUS`].
pub const COMMIT_STATUS_UPDATE: &str = "update";

/// Label on each applied object: name of its Kustomization.
pub const OWNER_NAME: &str = "kustomize.toolkit.fluxcd.io/name";

/// Label on each applied object: namespace of its Kustomization.
pub const OWNER_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";

/// Label or annotation on an object: how it is applied, one of the `SSA_*` words.
pub const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";

/// Value of [`SSA`]: take every field; the default.
pub const SSA_OVERRIDE: &str = "Override";

/// Value of [`SSA`]: keep fields that others own.
pub const SSA_MERGE: &str = "Merge";

/// Value of [`SSA`]: create only.
pub const SSA_IF_NOT_PRESENT: &str = "IfNotPresent";

/// Value of [`SSA`]: do nothing.
pub const SSA_IGNORE: &str = "Ignore";

/// Label or annotation on an object, [`ENABLED`]: recreate it when an immutable field changes.
pub const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";

/// Label or annotation on an object, [`DISABLED`]: never delete it.
pub const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";

/// Label or annotation on an object, [`DISABLED`]: leave it alone.
pub const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";

/// Annotation on an object, [`DISABLED`]: don't decrypt it.
pub const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";

/// Label or annotation on an object, [`DISABLED`]: don't substitute variables in it.
pub const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// The word that turns a control on.
pub const ENABLED: &str = "enabled";

/// The word that turns a control off.
pub const DISABLED: &str = "disabled";
