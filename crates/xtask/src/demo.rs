//! `cargo xtask demo`: the main job on a fresh machine, in front of one's eyes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use testkit::Options;
use testkit::observe::Tally;

use crate::bench::report::seconds;
use crate::release;
use crate::rig::{Candidate, Rig, condition, ready};

const VERSION: &str = "2.0.0";

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Number of services in the sample monorepo.
    #[arg(long, value_name = "N", default_value_t = 250)]
    services: usize,
    /// Leave everything running in the end, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// Use the cluster of this kubeconfig, and fill it, instead of a control plane of our own.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Use the binaries source-controller and kustomize-controller in this directory, not ours.
    #[arg(long, value_name = "DIR")]
    controllers_from: Option<PathBuf>,
    /// Further manifests of definitions that the other binaries need (file or directory).
    #[arg(long, value_name = "PATH")]
    definitions: Option<PathBuf>,
    /// Further flag of both controllers, such as --flag=--concurrent=20; may be given several times.
    #[arg(long, value_name = "FLAG", allow_hyphen_values = true)]
    flag: Vec<String>,
    /// Seconds after which a step has failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    deadline: u64,
}

/// What the demo showed.
struct Seen {
    initial: Duration,
    changed: Duration,
    all: Duration,
    cpu: Duration,
    others: Duration,
    broken: String,
    reason: String,
    message: String,
    peak_memory: u64,
}

/// Shows everything, then sums it up.
pub(crate) async fn run(flags: Flags) -> Result<()> {
    anyhow::ensure!(flags.services >= 2, "the demo needs at least two services");
    release::continue_in_release()?;
    let binaries = match &flags.controllers_from {
        Some(binaries) => binaries
            .canonicalize()
            .context("look for the controllers")?,
        None => release::build_controllers()?,
    };
    println!("building the control plane (some minutes the first time)");
    tokio::task::spawn_blocking(testkit::control_plane::binaries::build)
        .await
        .context("build")??;
    println!("starting the control plane, Git and the controllers");
    let candidate = Candidate {
        name: "demo".to_owned(),
        binaries,
        flags: flags.flag.clone(),
        definitions: flags.definitions.clone(),
    };
    let options = Options {
        kubeconfig: flags.kubeconfig.clone(),
        ..Options::full()
    };
    let mut rig = Rig::start(&candidate, flags.services, options).await?;
    places(&rig);
    let seen = show(&mut rig, Duration::from_secs(flags.deadline)).await?;
    summary(&rig, &seen);
    if flags.keep {
        places(&rig);
        println!("everything is left running; stop with Ctrl-C");
        std::future::pending::<()>().await;
    }
    Ok(())
}

async fn show(rig: &mut Rig, limit: Duration) -> Result<Seen> {
    let services = rig.monorepo.services;
    println!(
        "\n1. One Kustomization creates the others from {}.",
        rig.monorepo.cluster_path()
    );
    let all = rig.ready_at(&rig.revision()?);
    let began = Instant::now();
    rig.apply_root().await?;
    let initial = progress(rig, &all, services + 1, limit).await? - began;
    println!(
        "   {services} services applied and ready after {}.",
        time(initial)
    );
    if rig.alerting.is_some() {
        rig.receiver_ready(limit).await?;
    }
    rig.quiet().await?;

    let service = rig.monorepo.service(services / 2);
    println!("\n2. A commit gives {service} the version {VERSION}; Git's host sends its webhook.");
    let before = rig.kustomize.usage()?;
    let revision = rig.commit(
        "Release one service",
        &rig.monorepo.release(&service, VERSION),
    )?;
    let (changed, all) = (rig.has_image(&service, VERSION), rig.ready_at(&revision));
    let fetched = rig.fetched(&revision);
    let began = if rig.alerting.is_some() {
        let (began, answered) = rig.push_webhook().await?;
        println!(
            "   {:<44} {}",
            "the receiver has told the source after",
            time(answered)
        );
        began
    } else {
        rig.poke_source().await?
    };
    let fetched = rig.wait(&fetched, 1, limit).await? - began;
    println!(
        "   {:<44} {}",
        "the new commit is fetched after",
        time(fetched)
    );
    let changed = rig.wait(&changed, 1, limit).await? - began;
    println!(
        "   {:<44} {}",
        format!("{service} has its new image after"),
        time(changed)
    );
    if let Some(alerting) = &rig.alerting {
        let post = alerting.message(&service, &revision, limit).await?;
        println!(
            "   {:<44} {}",
            "the chat knows after",
            time(post.at - began)
        );
        println!(
            "   > {}",
            post.body["attachments"][0]["text"]
                .as_str()
                .unwrap_or_default()
        );
    }
    let all = progress(rig, &all, services + 1, limit).await? - began;
    println!(
        "   All Kustomizations are at the new revision after {}.",
        time(all)
    );
    rig.quiet().await?;
    let cpu = rig.kustomize.usage()?.cpu.saturating_sub(before.cpu);

    let broken = rig.monorepo.service(0);
    println!("\n3. A commit defines the Deployment of {broken} twice.");
    let revision = rig.commit(
        "Break one service",
        &rig.monorepo.duplicate_definition(&broken),
    )?;
    let others = rig.ready_at(&revision);
    let name = broken.clone();
    let failed = rig.kustomizations.tally(move |object| {
        object.metadata.name.as_deref() == Some(&name) && ready(object) == Some(false)
    });
    let began = rig.poke_source().await?;
    let others = progress(rig, &others, services, limit).await? - began;
    println!(
        "   All others are at the new revision after {}.",
        time(others)
    );
    rig.wait(&failed, 1, limit).await?;
    let objects = rig.kustomizations.objects();
    let condition = objects
        .get(&broken)
        .and_then(|sighting| condition(&sighting.object))
        .cloned();
    let text = |field: &str| {
        let value = condition
            .as_ref()
            .and_then(|condition| condition[field].as_str());
        value.unwrap_or_default().to_owned()
    };
    let (reason, message) = (text("reason"), text("message"));
    println!("   {broken} is not ready: {reason}: {message}");
    let peak_memory = rig.kustomize.usage()?.peak_memory;
    Ok(Seen {
        initial,
        changed,
        all,
        cpu,
        others,
        broken,
        reason,
        message,
        peak_memory,
    })
}

/// Waits for a tally, with a bar where somebody looks at it.
async fn progress(rig: &mut Rig, tally: &Tally, count: usize, limit: Duration) -> Result<Instant> {
    let bar = ProgressBar::new(count as u64);
    if let Ok(style) =
        ProgressStyle::with_template("   {bar:40} {pos}/{len} ready, {elapsed_precise}")
    {
        bar.set_style(style);
    }
    let shown = {
        let (bar, tally) = (bar.clone(), tally.clone());
        tokio::spawn(async move {
            // A log file gets a line now and then.
            let pause = Duration::from_millis(if bar.is_hidden() { 5000 } else { 100 });
            loop {
                tokio::time::sleep(pause).await;
                if bar.is_hidden() {
                    println!("   {}/{count} ready", tally.count());
                }
                bar.set_position(tally.count() as u64);
            }
        })
    };
    let reached = rig.wait(tally, count, limit).await;
    shown.abort();
    bar.finish_and_clear();
    reached
}

fn places(rig: &Rig) {
    println!("   export KUBECONFIG={}", rig.plane.kubeconfig().display());
    println!("   Git:     {}", rig.git_url());
    let alerting = rig.alerting.as_ref().map(|alerting| &alerting.controller);
    for controller in [&rig.source, &rig.kustomize].into_iter().chain(alerting) {
        println!(
            "   {}: metrics {}",
            controller.role().name(),
            controller.metrics_url()
        );
        println!(
            "   {}: log {}",
            controller.role().name(),
            controller.log().display()
        );
    }
    println!("   control plane: logs {}", rig.plane.logs().display());
}

fn summary(rig: &Rig, seen: &Seen) {
    let Seen {
        initial,
        changed,
        all,
        cpu,
        others,
        broken,
        reason,
        message,
        peak_memory,
    } = seen;
    let services = rig.monorepo.services;
    println!("\nSummary");
    println!(
        "  {services} services ({} objects) went from Git to the cluster in {}.",
        3 * services,
        time(*initial)
    );
    println!(
        "  A commit that changed one of them reached it in {}, and all {} Kustomizations were",
        time(*changed),
        rig.total()
    );
    println!(
        "  at the new revision in {}, for {} of kustomize-controller's CPU time.",
        time(*all),
        time(*cpu)
    );
    println!(
        "  A commit that broke {broken} left the other {} ready at the new revision in {}; it says",
        services,
        time(*others)
    );
    println!("  {reason}: {message}");
    println!(
        "  kustomize-controller never had more than {} MB of memory.",
        peak_memory >> 20
    );
}

fn time(duration: Duration) -> String {
    seconds(duration.as_secs_f64())
}
