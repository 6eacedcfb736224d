//! A Deployment's pod as a process: the part of a kubelet and a container runtime that tests need.
//!
//! The program runs in a root directory of its own that it cannot write to, with a `tmpfs` for each
//! `emptyDir`, the service account's token where pods have it, the environment of the Deployment and
//! nothing else, as the user that the Deployment names, and without any capability. It shares the
//! network with everyone, so that only the addresses on which it listens are not the Deployment's.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{Process, Program};
use crate::{ControlPlane, rootfs};

/// `$1` is the root, `$2` the file system's group; then the volumes up to `--`, then the environment and the command.
const RUNTIME: &str = r#"
set -eu
root=$1 group=$2; shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind /proc "$root/proc"
while [ "$1" != -- ]; do
  mount -t tmpfs -o mode=2770,gid="$group" tmpfs "$root$1"; shift
done
shift
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs env -i "$@"
"#;

/// Where the distributions that have `apt-get` keep it; the pod's environment has no `PATH`.
const CHROOT: &str = "/usr/sbin/chroot";

/// What the Deployment does not say.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Names and the addresses that they stand for.
    pub hosts: Vec<(String, String)>,
    /// Arguments after the Deployment's: the addresses to listen on.
    pub flags: Vec<String>,
}

/// Starts the only container of `deployment` with the program of its image's name in `binaries`; `home` is a new
/// directory for its files and its log.
///
/// Needs root, to make a file system and to become someone else.
///
/// # Errors
/// If the Deployment has something that this cannot honour, or the program cannot be started.
pub async fn start(
    plane: &ControlPlane,
    deployment: &Value,
    binaries: &Path,
    home: &Path,
    surroundings: &Surroundings,
) -> Result<Process> {
    if !is_root()? {
        bail!("running a pod as its Deployment says needs root: run the tests as root");
    }
    let namespace = text(&deployment["metadata"]["namespace"])?;
    let pod = &deployment["spec"]["template"]["spec"];
    let [container] = pod["containers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
    else {
        bail!("a pod with one container is expected");
    };
    let image = text(&container["image"])?;
    let name = image
        .rsplit('/')
        .next()
        .and_then(|last| last.split([':', '@']).next())
        .unwrap_or_default();

    let root = home.join("root");
    rootfs::stage(&binaries.join(name), &root)?;
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    for (host, address) in &surroundings.hosts {
        // The controllers use absolute names, which end in a dot.
        hosts.extend([address, " ", host, " ", host, ".\n"]);
    }
    fs::write(root.join("etc/hosts"), hosts).context("write the hosts")?;
    let account = text(&pod["serviceAccountName"])?;
    let token = root.join("var/run/secrets/kubernetes.io/serviceaccount");
    let (host, port) = plane
        .write_service_account(namespace, account, &token)
        .await?;

    let security = &container["securityContext"];
    if security["readOnlyRootFilesystem"] != true || security["runAsNonRoot"] != true {
        bail!("{name} does not run with a read-only root as a user without rights");
    }
    let id = |field: &str| security[field].as_u64().unwrap_or(65534).to_string();
    let group = pod["securityContext"]["fsGroup"].as_u64().unwrap_or(65534);
    let mut program = Program::new("unshare", home.join(format!("{name}.log")))
        .args(["--mount", "--", "sh", "-c", RUNTIME, "sh"])
        .arg(&root)
        .arg(group.to_string())
        .args(volumes(pod, container)?)
        .arg("--")
        .arg(format!("KUBERNETES_SERVICE_HOST={host}"))
        .arg(format!("KUBERNETES_SERVICE_PORT={port}"));
    let mut environment = Vec::new();
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = text(&variable["name"])?;
        let value = match variable
            .pointer("/valueFrom/fieldRef/fieldPath")
            .and_then(Value::as_str)
        {
            Some("metadata.namespace") => namespace,
            Some(field) => bail!("the field {field} is not known here"),
            None => variable["value"].as_str().unwrap_or_default(),
        };
        program = program.arg(format!("{name}={value}"));
        environment.push((name, value));
    }
    program = program
        .arg(CHROOT)
        .arg(format!(
            "--userspec={}:{}",
            id("runAsUser"),
            id("runAsGroup")
        ))
        .arg(format!("--groups={group}"))
        .arg(&root)
        .arg(format!("/{name}"));
    for argument in container["args"].as_array().into_iter().flatten() {
        let mut argument = text(argument)?.to_owned();
        for (name, value) in &environment {
            argument = argument.replace(&format!("$({name})"), value);
        }
        program = program.arg(argument);
    }
    program.args(&surroundings.flags).spawn()
}

fn is_root() -> Result<bool> {
    let status = fs::read_to_string("/proc/self/status").context("read who this is")?;
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    Ok(user.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0"))
}

/// Where the container mounts an `emptyDir`.
fn volumes<'a>(pod: &Value, container: &'a Value) -> Result<Vec<&'a str>> {
    let mut paths = Vec::new();
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let volume = pod["volumes"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|volume| volume["name"] == mount["name"]);
        if volume.is_none_or(|volume| volume.get("emptyDir").is_none()) {
            bail!("the volume {} is no emptyDir", mount["name"]);
        }
        paths.push(text(&mount["mountPath"])?);
    }
    Ok(paths)
}

fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .with_context(|| format!("{value} is not a string"))
}
