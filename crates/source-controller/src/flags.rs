//! The flags of source-controller, with Flux's names and defaults.
//!
//! Flags that belong to kinds or features which are not served here are accepted, so that a deployment's arguments need
//! no edit; `--default-service-account` is refused, because ignoring it would lift a restriction.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use runtime::flags::{
    self, ClientFlags, EndpointFlags, Gates, LeaderFlags, LogFlags, RetryFlags, WatchFlags,
};
use snapshot::digest::Algorithm;

use crate::storage::{self, Retention};

/// The feature gates of Flux's source-controller 1.9 with their defaults. `CacheSecretsAndConfigMaps` has no effect:
/// Secrets are always read live.
pub const GATES: Gates = &[
    ("CacheSecretsAndConfigMaps", false),
    ("ObjectLevelWorkloadIdentity", false),
];

/// The directory for bare repositories inside the storage. Kinds and namespaces never begin with a dot.
const GIT_CACHE: &str = ".git-cache";

/// What was typed.
#[derive(Parser, Debug)]
#[command(
    name = "source-controller",
    version,
    about = "Fetches sources and serves artifacts",
    args_override_self = true
)]
pub struct Flags {
    #[command(flatten)]
    pub(crate) endpoints: EndpointFlags,
    #[command(flatten)]
    pub(crate) log: LogFlags,
    #[command(flatten)]
    pub(crate) client: ClientFlags,
    #[command(flatten)]
    pub(crate) leader: LeaderFlags,
    #[command(flatten)]
    pub(crate) watch: WatchFlags,
    #[command(flatten)]
    pub(crate) retry: RetryFlags,
    /// Objects of a kind reconciled at the same time.
    #[arg(long, default_value_t = 2)]
    concurrent: usize,
    /// The wait before an include that is not there is looked at again.
    #[arg(long, value_parser = flags::duration, default_value = "30s")]
    requeue_dependency: Duration,
    /// The directory of the artifacts; must exist.
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    storage_path: PathBuf,
    /// The address that artifacts are served on.
    #[arg(long, env = "STORAGE_ADDRESS", default_value = ":9090")]
    storage_addr: String,
    /// The address of the artifacts in their URLs; made from --storage-addr when empty.
    #[arg(long, env = "STORAGE_ADV_ADDR", default_value = "")]
    storage_adv_addr: String,
    /// Age from which artifacts that are not current are removed.
    #[arg(long, value_parser = flags::duration, default_value = "1m")]
    artifact_retention_ttl: Duration,
    /// Artifacts kept per object, the current one included.
    #[arg(long, default_value_t = 2)]
    artifact_retention_records: usize,
    /// Digest algorithm of artifacts: sha256, sha384, sha512, blake3 or sha1.
    #[arg(long, default_value = "sha256")]
    artifact_digest_algo: String,
    /// SSH key exchange algorithms, most wanted first.
    #[arg(long, value_delimiter = ',')]
    ssh_kex_algos: Vec<String>,
    /// SSH host key algorithms, most wanted first.
    #[arg(long, value_delimiter = ',')]
    ssh_hostkey_algos: Vec<String>,
    /// Bytes that one fetch of a Git repository may receive, and that its files may have together. Perigee's own.
    #[arg(long, default_value_t = 2 << 30)]
    git_max_size: u64,
    /// Where bare repositories are kept between fetches; `.git-cache` in --storage-path when empty. Perigee's own.
    #[arg(long)]
    git_cache_path: Option<PathBuf>,
    /// `Name=true,…`.
    #[arg(long, default_value = "")]
    feature_gates: String,
    /// The host's name, for the default of --storage-adv-addr.
    #[arg(long, env = "HOSTNAME", default_value = "", hide = true)]
    hostname: String,

    #[arg(long, default_value = "", hide = true)]
    default_service_account: String,
    #[arg(long, default_value_t = 52_428_800, hide = true)]
    helm_index_max_size: i64,
    #[arg(long, default_value_t = 10_485_760, hide = true)]
    helm_chart_max_size: i64,
    #[arg(long, default_value_t = 5_242_880, hide = true)]
    helm_chart_file_max_size: i64,
    #[arg(long, default_value_t = 0, hide = true)]
    helm_cache_max_size: i64,
    #[arg(long, default_value = "15m", hide = true)]
    helm_cache_ttl: String,
    #[arg(long, default_value = "1m", hide = true)]
    helm_cache_purge_interval: String,
    #[arg(long, default_value_t = 100, hide = true)]
    token_cache_max_size: u32,
    #[arg(long, value_parser = flags::duration, default_value = "1h", hide = true)]
    token_cache_max_duration: Duration,
}

/// What it means.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Workers per kind.
    pub(crate) concurrent: usize,
    /// The wait before a missing include is looked at again.
    pub(crate) requeue_dependency: Duration,
    /// Where artifacts are kept, and under which address.
    pub(crate) storage: storage::Config,
    /// The address that artifacts are served on.
    pub(crate) storage_addr: String,
    /// Where bare repositories are kept.
    pub(crate) git_cache: PathBuf,
    /// Bytes that a repository may have.
    pub(crate) git_max_size: u64,
    /// SSH key exchange algorithms; the defaults when empty.
    pub(crate) ssh_kex: Vec<String>,
    /// SSH host key algorithms; those of the known hosts when empty.
    pub(crate) ssh_host_keys: Vec<String>,
    /// Spread of interval runs, in percent.
    pub(crate) jitter: u8,
}

impl Flags {
    /// Checks what was typed against what this controller can do.
    ///
    /// # Errors
    /// Names the flag and what is wrong with its value.
    pub(crate) fn config(&self) -> Result<Config, String> {
        flags::feature_gates(&self.feature_gates, GATES)?;
        if !self.default_service_account.is_empty() {
            return Err("--default-service-account is not supported yet".to_owned());
        }
        let algorithm: Algorithm = self
            .artifact_digest_algo
            .parse()
            .map_err(|error| format!("--artifact-digest-algo: {error}"))?;
        let hostname = match self.hostname.as_str() {
            "" => runtime::events::hostname().to_string(),
            name => name.to_owned(),
        };
        let advertised = match self.storage_adv_addr.as_str() {
            "" => storage::default_address(&self.storage_addr, &hostname),
            address => address.to_owned(),
        };
        Ok(Config {
            concurrent: self.concurrent.max(1),
            requeue_dependency: self.requeue_dependency,
            storage: storage::Config {
                root: self.storage_path.clone(),
                advertised,
                algorithm,
                retention: Retention {
                    ttl: self.artifact_retention_ttl,
                    records: self.artifact_retention_records,
                },
            },
            storage_addr: self.storage_addr.clone(),
            git_cache: self
                .git_cache_path
                .clone()
                .unwrap_or_else(|| self.storage_path.join(GIT_CACHE)),
            git_max_size: self.git_max_size,
            ssh_kex: self.ssh_kex_algos.clone(),
            ssh_host_keys: self.ssh_hostkey_algos.clone(),
            jitter: self.retry.interval_jitter_percentage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> Result<Config, String> {
        let args = std::iter::once("source-controller").chain(args.iter().copied());
        Flags::try_parse_from(args)
            .map_err(|error| error.to_string())?
            .config()
    }

    #[test]
    fn defaults_are_fluxs() {
        let config = config(&["--hostname=pod"]).unwrap();
        assert_eq!((config.concurrent, config.jitter), (2, 5));
        assert_eq!(config.requeue_dependency, Duration::from_secs(30));
        assert_eq!(config.storage.root, PathBuf::from("/data"));
        assert_eq!(config.storage.advertised, "localhost:9090");
        assert_eq!(config.storage.algorithm, Algorithm::Sha256);
        let retention = config.storage.retention;
        assert_eq!(
            (retention.ttl, retention.records),
            (Duration::from_mins(1), 2)
        );
        assert_eq!(config.git_cache, PathBuf::from("/data/.git-cache"));
        assert_eq!(config.git_max_size, 2_147_483_648);
    }

    #[test]
    fn flags_read_as_gos_do_and_bad_ones_are_named() {
        let cases: [(&[&str], Result<(), &str>); 9] = [
            (
                &[
                    "--watch-all-namespaces",
                    "--log-level=info",
                    "--log-encoding=json",
                    "--enable-leader-election",
                    "--storage-path=/data",
                    "--storage-adv-addr=source-controller.flux-system.svc.cluster.local.",
                ],
                Ok(()),
            ),
            (&["--ssh-kex-algos=a,b", "--ssh-hostkey-algos=c"], Ok(())),
            (
                &["--helm-cache-max-size=10", "--helm-cache-ttl=30m"],
                Ok(()),
            ),
            (
                &["--feature-gates=ObjectLevelWorkloadIdentity=false"],
                Ok(()),
            ),
            (
                &["--feature-gates=OptimizedGitClones=true"],
                Err("'OptimizedGitClones' not supported"),
            ),
            (
                &["--interval-jitter-percentage=100"],
                Err("interval-jitter-percentage"),
            ),
            (
                &["--artifact-digest-algo=md5"],
                Err("--artifact-digest-algo"),
            ),
            (
                &["--default-service-account=x"],
                Err("--default-service-account"),
            ),
            (
                &["--artifact-retention-ttl=1"],
                Err("artifact-retention-ttl"),
            ),
        ];
        for (args, expected) in cases {
            match (config(args), expected) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err(part)) => assert!(error.contains(part), "{args:?}: {error}"),
                (got, _) => panic!("{args:?}: {got:?}"),
            }
        }
    }
}
