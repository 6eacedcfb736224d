//! The flags of `kustomize build`.
//!
//! Every flag is accepted, so that a script that sets it works on where nothing in the build needs it. Charts,
//! programs and containers are refused where a kustomization names one.

use anyhow::bail;
use clap::Args;

use super::{LoadRestrictor, Order};

const ROOT_ONLY: &str = "LoadRestrictionsRootOnly";
const UNRESTRICTED: &str = "LoadRestrictionsNone";

/// Flags of `perigee build`.
#[derive(Debug, Args)]
pub struct Flags {
    /// Directory with the kustomization file, or address of a Git repository with the path in it
    #[arg(value_name = "DIR")]
    targets: Vec<String>,
    /// Write to this file, or into this directory one file per object
    #[arg(short, long, value_name = "PATH")]
    pub(super) output: Option<String>,
    /// `LoadRestrictionsNone` lets local kustomizations read files outside of their directory
    #[arg(long, value_name = "NAME", default_value = ROOT_ONLY, hide_default_value = true)]
    load_restrictor: String,
    /// Order of the output, `legacy` or `none`; deprecated, use `sortOptions` in the kustomization
    #[arg(long, value_name = "ORDER", hide = true)]
    reorder: Option<String>,
    /// Add the label app.kubernetes.io/managed-by; deprecated, use `buildMetadata`
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_bool)]
    enable_managedby_label: Option<bool>,
    /// Accepted; a kustomization that names Helm charts is refused
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = go_bool, hide_default_value = true)]
    pub(super) enable_helm: bool,
    /// Accepted; a kustomization that names plugins is refused
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = go_bool, hide_default_value = true)]
    pub(super) enable_alpha_plugins: bool,
    #[command(flatten)]
    unused: Unused,
    /// Set to `on`, as --enable-managedby-label
    #[arg(
        long,
        hide = true,
        env = "KUSTOMIZE_ENABLE_MANAGEDBY_LABEL",
        default_value = ""
    )]
    managedby_label_switch: String,
}

/// Settings of what is not done: programs, containers, charts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Flags without effect")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
struct Unused {
    /// Programs are not run
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = go_bool, hide_default_value = true)]
    enable_exec: bool,
    /// Containers are not run
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = go_bool, hide_default_value = true)]
    network: bool,
    /// Containers are not run
    #[arg(long, value_name = "NAME")]
    network_name: Option<String>,
    /// Containers are not run
    #[arg(long, value_name = "OPTIONS")]
    mount: Vec<String>,
    /// Programs and containers are not run
    #[arg(short, long, value_name = "VARIABLE")]
    env: Vec<String>,
    /// Containers are not run
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = go_bool, hide_default_value = true)]
    as_current_user: bool,
    /// Charts are not inflated
    #[arg(long, value_name = "PATH")]
    helm_command: Option<String>,
    /// Charts are not inflated
    #[arg(long, value_name = "VERSION")]
    helm_api_versions: Vec<String>,
    /// Charts are not inflated
    #[arg(long, value_name = "VERSION")]
    helm_kube_version: Option<String>,
    /// Charts are not inflated
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = go_bool, hide_default_value = true)]
    helm_debug: bool,
    /// Errors have no stack trace
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = go_bool, hide_default_value = true)]
    stack_trace: bool,
}

impl Flags {
    /// What is to be built, what it may read, and in which order it is written.
    pub(super) fn check(&self) -> anyhow::Result<(&str, LoadRestrictor, Order)> {
        let target = match self.targets.as_slice() {
            [] => ".",
            [target] => target,
            _ => bail!("specify one path to kustomization.yaml"),
        };
        let restrictor = match self.load_restrictor.as_str() {
            ROOT_ONLY | "" => LoadRestrictor::RootOnly,
            UNRESTRICTED => LoadRestrictor::None,
            other => bail!(
                "illegal flag value --load-restrictor {other}; legal values: [{ROOT_ONLY} {UNRESTRICTED}]"
            ),
        };
        let order = match self.reorder.as_deref() {
            None | Some("legacy") => Order::Legacy,
            Some("none") => Order::None,
            Some(other) => {
                bail!("illegal flag value --reorder {other}; legal values: [legacy none]")
            }
        };
        Ok((target, restrictor, order))
    }

    pub(super) fn managed_by_label(&self) -> bool {
        self.enable_managedby_label == Some(true) || self.managedby_label_switch == "on"
    }

    /// What to tell about the flags that were set.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let reorder = self.reorder.as_ref().map(|_| {
            "Flag --reorder has been deprecated, use the new 'sortOptions' field in kustomization.yaml instead."
        });
        let label = self.enable_managedby_label.map(|_| {
            "Flag --enable-managedby-label has been deprecated, The flag `enable-managedby-label` has been deprecated. Use the `managedByLabel` option in the `buildMetadata` field instead."
        });
        label.into_iter().chain(reorder)
    }
}

/// Go's `strconv.ParseBool`.
fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("invalid syntax".to_owned()),
    }
}
