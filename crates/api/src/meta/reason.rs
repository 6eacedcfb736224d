//! Reasons of conditions and events. Source: fluxcd/pkg `apis/meta`, source and kustomize API.

/// Work goes on.
pub const PROGRESSING: &str = "Progressing";
/// Work will be tried again.
pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
/// It worked.
pub const SUCCEEDED: &str = "Succeeded";
/// It did not.
pub const FAILED: &str = "Failed";
/// The object is suspended.
pub const SUSPENDED: &str = "Suspended";
/// A reference that is not allowed.
pub const ACCESS_DENIED: &str = "AccessDenied";
/// A feature that is switched off, or not there.
pub const FEATURE_GATE_DISABLED: &str = "FeatureGateDisabled";
/// A CEL expression that does not compile.
pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
/// A dependency is not ready.
pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";

/// Reasons of `Kustomization`.
pub mod kustomization {
    /// Everything is applied.
    pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
    /// An apply failed.
    pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
    /// The source or its artifact is not there.
    pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
    /// The build failed.
    pub const BUILD_FAILED: &str = "BuildFailed";
    /// Stale objects could not be deleted.
    pub const PRUNE_FAILED: &str = "PruneFailed";
    /// Objects did not become ready.
    pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
    /// A newer run took over.
    pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
    /// No working directory.
    pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
    /// The type of the condition that tells of the objects' health.
    pub const HEALTHY_CONDITION: &str = "Healthy";
}

/// Reasons and condition types of sources.
pub mod source {
    /// Condition types.
    pub mod condition {
        /// The storage failed.
        pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
        /// The upstream could not be fetched.
        pub const FETCH_FAILED: &str = "FetchFailed";
        /// An included artifact is missing.
        pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
        /// The upstream has a newer revision.
        pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
        /// The artifact is stored.
        pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
        /// The signature is verified.
        pub const SOURCE_VERIFIED: &str = "SourceVerified";
        /// The artifact could not be built.
        pub const BUILD_FAILED: &str = "BuildFailed";
    }

    /// The URL is malformed.
    pub const URL_INVALID: &str = "URLInvalid";
    /// Credentials are missing, malformed or refused.
    pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    /// The provider's settings contradict.
    pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
    /// A Git operation failed.
    pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
    /// A Git operation had nothing to do.
    pub const GIT_OPERATION_SUCCEEDED: &str = "GitOperationSucceeded";
    /// The repository has no commit.
    pub const EMPTY_GIT_REPOSITORY: &str = "EmptyGitRepository";
    /// An included object is missing.
    pub const NOT_FOUND: &str = "NotFound";
    /// An included object has no artifact.
    pub const NO_ARTIFACT: &str = "NoArtifact";
    /// A newer revision.
    pub const NEW_REVISION: &str = "NewRevision";
    /// Another set of includes.
    pub const INCLUDE_CHANGE: &str = "IncludeChange";
    /// A new artifact is stored.
    pub const NEW_ARTIFACT: &str = "NewArtifact";
    /// The artifact is that of the upstream.
    pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
    /// The stored artifact is damaged.
    pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
    /// A directory could not be made.
    pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
    /// A path could not be looked at.
    pub const STAT_OPERATION_FAILED: &str = "StatOperationFailed";
    /// A path is not a directory.
    pub const INVALID_PATH: &str = "InvalidPath";
    /// The archive could not be written.
    pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
    /// A path that leads outside.
    pub const ILLEGAL_PATH: &str = "IllegalPath";
    /// An include could not be copied.
    pub const COPY_FAILURE: &str = "CopyFailure";
    /// Ignore rules could not be read.
    pub const SOURCE_IGNORE_ERROR: &str = "SourceIgnoreError";
    /// A status could not be written.
    pub const PATCH_OPERATION_FAILED: &str = "PatchOperationFailed";
    /// Old artifacts were removed.
    pub const GARBAGE_COLLECTION_SUCCEEDED: &str = "GarbageCollectionSucceeded";
    /// Old artifacts could not be removed.
    pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";
    /// A signature did not verify.
    pub const VERIFICATION_ERROR: &str = "VerificationError";
    /// The verification mode does not fit the reference.
    pub const INVALID_VERIFICATION_MODE: &str = "InvalidVerificationMode";
    /// A file could not be read.
    pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
    /// The artifact's lock could not be taken.
    pub const ACQUIRE_LOCK_FAILED: &str = "AcquireLockFailed";
    /// The link to the latest artifact could not be moved.
    pub const SYMLINK_UPDATE_FAILED: &str = "SymlinkUpdateFailed";
    /// A cache could not be filled.
    pub const CACHE_OPERATION_FAILED: &str = "CacheOperationFailed";
    /// The OCI artifact could not be pulled.
    pub const OCI_ARTIFACT_PULL_FAILED: &str = "OCIArtifactPullFailed";
    /// The layer could not be selected or read.
    pub const OCI_ARTIFACT_LAYER_OPERATION_FAILED: &str = "OCIArtifactLayerOperationFailed";
    /// The bucket could not be read.
    pub const BUCKET_OPERATION_FAILED: &str = "BucketOperationFailed";
    /// The token service doesn't fit the provider.
    pub const INVALID_STS_CONFIGURATION: &str = "InvalidSTSConfiguration";
    /// The Helm index could not be loaded.
    pub const INDEXATION_FAILED: &str = "IndexationFailed";
    /// The chart's source is missing.
    pub const SOURCE_UNAVAILABLE: &str = "SourceUnavailable";
    /// The chart's source has no artifact yet.
    pub const NO_SOURCE_ARTIFACT: &str = "NoSourceArtifact";
    /// The chart's name or version can't be resolved.
    pub const INVALID_CHART_REFERENCE: &str = "InvalidChartReference";
    /// The chart could not be pulled.
    pub const CHART_PULL_ERROR: &str = "ChartPullError";
    /// The chart was pulled.
    pub const CHART_PULL_SUCCEEDED: &str = "ChartPullSucceeded";
    /// The chart failed in a way that has no word.
    pub const UNKNOWN: &str = "Unknown";
    /// The chart's metadata could not be changed.
    pub const METADATA_PATCH_ERROR: &str = "MetadataPatchError";
    /// The chart's values files could not be merged.
    pub const VALUES_FILES_ERROR: &str = "ValuesFilesError";
    /// The chart's dependencies could not be built.
    pub const DEPENDENCY_BUILD_ERROR: &str = "DependencyBuildError";
    /// The chart's dependencies were resolved.
    pub const RESOLVED_DEPENDENCIES: &str = "ResolvedDependencies";
    /// The chart could not be packaged.
    pub const CHART_PACKAGE_ERROR: &str = "ChartPackageError";
    /// The chart was packaged.
    pub const CHART_PACKAGE_SUCCEEDED: &str = "ChartPackageSucceeded";
    /// The chart's signature could not be checked.
    pub const CHART_VERIFICATION_ERROR: &str = "ChartVerificationError";
    /// An external artifact's producer could not check it.
    pub const VERIFICATION_FAILED: &str = "VerificationFailed";
    /// The tag carries no signature.
    pub const INVALID_GIT_OBJECT: &str = "InvalidGitObject";
    /// The tag's signature is wrong.
    pub const INVALID_TAG_SIGNATURE: &str = "InvalidTagSignature";
    /// The commit's signature is wrong.
    pub const INVALID_COMMIT_SIGNATURE: &str = "InvalidCommitSignature";
    /// There is a new version of the chart.
    pub const NEW_CHART: &str = "NewChart";
}
