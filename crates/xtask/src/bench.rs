//! `cargo xtask bench`: what a commit costs, beside what it must cost.
//!
//! Each number of services and each set of controllers gets a control plane of its own. The scenarios
//! run one after the other in it; then the controllers are stopped and the [floor](floor) is measured
//! on the same API server. Times are those at which a watch on the API delivers the change.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use testkit::Options;

use self::floor::Floor;
use self::report::{Report, Run};
use self::scenario::Scenario;
use crate::release;
use crate::rig::{Candidate, Rig};

mod crowd;
mod floor;
pub(crate) mod report;
pub(crate) mod scenario;

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Number of services; may be given several times.
    #[arg(long, value_name = "N", default_values_t = [250])]
    services: Vec<usize>,
    /// Also measure the binaries source-controller and kustomize-controller in this directory; may
    /// be given several times.
    #[arg(long, value_name = "DIR")]
    controllers_from: Vec<PathBuf>,
    /// Measure only the binaries of --controllers-from.
    #[arg(long, requires = "controllers_from")]
    without_ours: bool,
    /// Further manifests of definitions that the other binaries need (file or directory).
    #[arg(long, value_name = "PATH")]
    definitions: Option<PathBuf>,
    /// Further flag of all controllers, such as --flag=--concurrent=20; may be given several times.
    #[arg(long, value_name = "FLAG", allow_hyphen_values = true)]
    flag: Vec<String>,
    /// Only these scenarios (the initial apply is always run).
    #[arg(long, value_name = "NAME")]
    scenario: Vec<Scenario>,
    /// Don't run kube-controller-manager, kube-scheduler and kwok.
    #[arg(long)]
    without_nodes: bool,
    /// Also write everything as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Seconds after which a scenario has failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    deadline: u64,
}

/// Measures and reports.
pub(crate) async fn run(flags: Flags) -> Result<()> {
    release::continue_in_release()?;
    let mut report = Report::new();
    println!("{} · commit {}", report.machine, report.commit);
    let candidates = candidates(&flags)?;
    for &services in &flags.services {
        for candidate in &candidates {
            let run = measure(&flags, candidate, services).await;
            print!("{}", run.table());
            report.runs.push(run);
            if let Some(path) = &flags.json {
                report.write(path)?;
            }
        }
    }
    let growth = report.growth();
    if !growth.is_empty() {
        print!("\nGrowth\n{growth}");
    }
    match report
        .runs
        .iter()
        .filter(|run| run.failure.is_some())
        .count()
    {
        0 => Ok(()),
        failed => bail!(
            "{failed} of {} runs did not come to their end",
            report.runs.len()
        ),
    }
}

fn candidates(flags: &Flags) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    if !flags.without_ours {
        candidates.push(Candidate {
            name: "perigee".to_owned(),
            binaries: release::build_controllers()?,
            flags: flags.flag.clone(),
            definitions: None,
        });
    }
    for binaries in &flags.controllers_from {
        let binaries = binaries
            .canonicalize()
            .with_context(|| format!("look for controllers in {}", binaries.display()))?;
        candidates.push(Candidate {
            name: binaries.display().to_string(),
            binaries,
            flags: flags.flag.clone(),
            definitions: flags.definitions.clone(),
        });
    }
    Ok(candidates)
}

async fn measure(flags: &Flags, candidate: &Candidate, services: usize) -> Run {
    let mut run = Run {
        controllers: candidate.name.clone(),
        flags: candidate.flags.clone(),
        services,
        scenarios: Vec::new(),
        crowd: None,
        failure: None,
    };
    if let Err(error) = fill(flags, candidate, &mut run).await {
        run.failure = Some(format!("{error:#}"));
    }
    run
}

async fn fill(flags: &Flags, candidate: &Candidate, run: &mut Run) -> Result<()> {
    println!(
        "{}: starting with {} services",
        run.controllers, run.services
    );
    let options = Options {
        nodes: !flags.without_nodes,
        ..Options::full()
    };
    let mut rig = Rig::start(candidate, run.services, options).await?;
    let chosen = Scenario::ALL.into_iter().filter(|scenario| {
        *scenario == Scenario::Initial
            || flags.scenario.is_empty()
            || flags.scenario.contains(scenario)
    });
    // Other controllers may come without one that takes webhooks.
    let chosen = chosen.filter(|scenario| *scenario != Scenario::Webhook || rig.alerting.is_some());
    let chosen: Vec<Scenario> = chosen.collect();
    for scenario in chosen {
        let limit = Duration::from_secs(flags.deadline);
        let figures = scenario::run(&mut rig, scenario, limit).await?;
        println!(
            "  {:<20} {}",
            scenario.title(),
            report::seconds(figures.all_seconds)
        );
        run.scenarios.push(figures);
    }
    if flags.scenario.is_empty() && rig.alerting.is_some() {
        run.crowd = Some(
            crowd::measure(&rig)
                .await
                .context("a crowd of events and webhooks")?,
        );
    }
    rig.source.kill()?;
    rig.kustomize.kill()?;
    rig.quiet().await?;
    let mut floor = Floor::new(&rig).await?;
    for figures in &mut run.scenarios {
        let time = floor
            .measure(figures.scenario)
            .await
            .context("measure the floor")?;
        figures.floor_seconds = Some(time.as_secs_f64());
        // What the new objects set off must not be measured with the next.
        rig.quiet().await?;
    }
    Ok(())
}
