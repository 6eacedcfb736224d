//! What a bench prints and writes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use super::crowd::Crowd;
use super::scenario::{Cost, Figures};

/// Everything that a bench measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) commit: String,
    pub(crate) runs: Vec<Run>,
}

/// All scenarios with one set of controllers and one number of services.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) controllers: String,
    pub(crate) flags: Vec<String>,
    pub(crate) services: usize,
    pub(crate) scenarios: Vec<Figures>,
    /// A burst of events and webhooks, where there is somebody to take them.
    pub(crate) crowd: Option<Crowd>,
    /// What went wrong, if the run did not come to its end.
    pub(crate) failure: Option<String>,
}

impl Report {
    /// An empty report of this machine and checkout.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map_or("unknown processor", |rest| {
                rest.trim_start_matches([' ', '\t', ':'])
            });
        let commit = Command::new("git")
            .current_dir(testkit::workspace::root())
            .args(["describe", "--always", "--dirty"])
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Self {
            machine: format!("{cores} cores, {model}"),
            commit: commit.unwrap_or_default(),
            runs: Vec::new(),
        }
    }

    /// Writes everything as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let content = serde_json::to_vec_pretty(self).context("print the report")?;
        std::fs::write(path, content).with_context(|| format!("write {}", path.display()))
    }

    /// Returns how the time until all are ready grows with the number of services.
    pub(crate) fn growth(&self) -> String {
        let mut text = String::new();
        for run in &self.runs {
            let smallest = self
                .runs
                .iter()
                .filter(|other| other.controllers == run.controllers)
                .min_by_key(|other| other.services);
            let Some(smallest) = smallest.filter(|other| other.services < run.services) else {
                continue;
            };
            for figures in &run.scenarios {
                let same = smallest
                    .scenarios
                    .iter()
                    .find(|other| other.scenario == figures.scenario);
                let Some(same) = same else { continue };
                line(
                    &mut text,
                    format_args!(
                        "  {:<16} {:<20} {:>5} → {:>5} services: all ×{:.1}, CPU ×{:.1}, memory ×{:.1}",
                        run.controllers,
                        figures.scenario.title(),
                        smallest.services,
                        run.services,
                        ratio(figures.all_seconds, same.all_seconds),
                        ratio(
                            figures.kustomize_controller.cpu_seconds,
                            same.kustomize_controller.cpu_seconds
                        ),
                        ratio(
                            figures.kustomize_controller.peak_megabytes,
                            same.kustomize_controller.peak_megabytes
                        ),
                    ),
                );
            }
        }
        text
    }
}

impl Run {
    /// Returns the table of this run.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        line(
            &mut text,
            format_args!(
                "\n{}, {} services {}",
                self.controllers,
                self.services,
                self.flags.join(" ")
            ),
        );
        line(
            &mut text,
            format_args!(
                "  {:<20} {:>9} {:>9} {:>8} {:>7}  {:<20} {:<20} {:>8} {:>8}",
                "",
                "changed",
                "all",
                "floor",
                "all/",
                "kustomize-controller",
                "source-controller",
                "API srv",
                "requests"
            ),
        );
        line(
            &mut text,
            format_args!(
                "  {:<20} {:>9} {:>9} {:>8} {:>7}  {:<20} {:<20} {:>8} {:>8}",
                "scenario",
                "service",
                "ready",
                "",
                "floor",
                "CPU · peak",
                "CPU · peak",
                "CPU",
                "untouched"
            ),
        );
        for figures in &self.scenarios {
            line(
                &mut text,
                format_args!(
                    "  {:<20} {:>9} {:>9} {:>8} {:>7}  {:<20} {:<20} {:>8} {:>8}",
                    figures.scenario.title(),
                    figures.changed_seconds.map_or("–".to_owned(), seconds),
                    seconds(figures.all_seconds),
                    figures.floor_seconds.map_or("–".to_owned(), seconds),
                    figures
                        .floor_seconds
                        .map_or("–".to_owned(), |floor| format!(
                            "{:.1}",
                            ratio(figures.all_seconds, floor)
                        )),
                    used(&figures.kustomize_controller),
                    used(&figures.source_controller),
                    seconds(figures.api_server_cpu_seconds),
                    figures.most_requests_for_an_untouched,
                ),
            );
        }
        line(&mut text, format_args!("  API requests:"));
        for figures in &self.scenarios {
            for (name, cost) in [
                ("kustomize-controller", &figures.kustomize_controller),
                ("source-controller", &figures.source_controller),
            ] {
                line(
                    &mut text,
                    format_args!(
                        "  {:<20} {name:<21} {:>6} ({:.2} per service): {}",
                        figures.scenario.title(),
                        cost.total(),
                        ratio(count(cost.total()), count(self.services)),
                        verbs(cost)
                    ),
                );
            }
        }
        if let Some(crowd) = &self.crowd {
            for told in crowd.lines() {
                line(&mut text, format_args!("  {told}"));
            }
        }
        if let Some(failure) = &self.failure {
            line(&mut text, format_args!("  FAILED: {failure}"));
        }
        text
    }
}

/// Seconds with as many digits as mean something.
pub(crate) fn seconds(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2} s")
    } else {
        format!("{value:.0} s")
    }
}

/// Requests by verb.
pub(crate) fn verbs(cost: &Cost) -> String {
    let verbs = cost
        .requests
        .iter()
        .map(|(verb, count)| format!("{verb} {count}"));
    verbs.collect::<Vec<_>>().join(", ")
}

fn used(cost: &Cost) -> String {
    format!(
        "{} · {:.0} MB",
        seconds(cost.cpu_seconds),
        cost.peak_megabytes
    )
}

fn ratio(figure: f64, base: f64) -> f64 {
    // Processor time comes in steps of 10 ms, so a base may be zero.
    figure / base.max(0.01)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.extend([arguments.to_string().as_str(), "\n"]);
}
