//! What is measured: six things that happen to a cluster, and what each costs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use testkit::audit::{Mark, Request, by_verb};
use testkit::{Controller, Role, Usage, usage};

use crate::rig::{Rig, kustomization};

/// Something that happens to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// The source and the first Kustomization are created; all services come from that.
    Initial,
    /// A commit changes one service's image.
    OneService,
    /// The same with a signed webhook, as Git's host sends it, in place of the annotation.
    Webhook,
    /// A commit changes only a README.
    NoService,
    /// Every Kustomization is asked to reconcile at the same revision, as if all intervals ended
    /// at once; by annotation, because then each says when it is through.
    FullReconcile,
    /// kustomize-controller is killed, one service changes meanwhile, and it starts again.
    Restart,
}

impl Scenario {
    /// All, in the order that they build on each other.
    pub(crate) const ALL: [Self; 6] = [
        Self::Initial,
        Self::OneService,
        Self::Webhook,
        Self::NoService,
        Self::FullReconcile,
        Self::Restart,
    ];

    /// What people read.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Initial => "initial apply",
            Self::OneService => "commit, one service",
            Self::Webhook => "webhook, one service",
            Self::NoService => "commit, no service",
            Self::FullReconcile => "full reconcile",
            Self::Restart => "restart and commit",
        }
    }
}

/// What a scenario took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) scenario: Scenario,
    /// Seconds until the changed service's Deployment had its new image.
    pub(crate) changed_seconds: Option<f64>,
    /// Seconds until every Kustomization was ready at the revision (or had handled the request).
    pub(crate) all_seconds: f64,
    /// Seconds that the bare client takes for what cannot be avoided.
    pub(crate) floor_seconds: Option<f64>,
    pub(crate) source_controller: Cost,
    pub(crate) kustomize_controller: Cost,
    /// The most requests of kustomize-controller for one Kustomization, its objects and its events
    /// included, among those that the scenario did not touch.
    pub(crate) most_requests_for_an_untouched: usize,
    pub(crate) api_server_cpu_seconds: f64,
}

/// What one process used, from the beginning of the scenario until it was quiet again.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cost {
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_megabytes: f64,
    pub(crate) requests: BTreeMap<String, usize>,
}

/// Runs a scenario to its end.
pub(crate) async fn run(rig: &mut Rig, scenario: Scenario, limit: Duration) -> Result<Figures> {
    rig.quiet().await?;
    let before = Before::now(rig)?;
    let service = rig.monorepo.service(rig.monorepo.services / 2);
    let times = match scenario {
        Scenario::Initial => initial(rig, limit).await,
        Scenario::OneService => one_service(rig, &service, "2.0.0", false, limit).await,
        Scenario::Webhook => one_service(rig, &service, "2.1.0", true, limit).await,
        Scenario::NoService => no_service(rig, limit).await,
        Scenario::FullReconcile => full_reconcile(rig, limit).await,
        Scenario::Restart => restart(rig, &service, limit).await,
    }
    .with_context(|| scenario.title().to_owned())?;
    rig.quiet().await?;
    let touched = match scenario {
        Scenario::OneService | Scenario::Webhook | Scenario::Restart => Some(service),
        _ => None,
    };
    before.figures(rig, scenario, &times, touched.as_deref())
}

struct Times {
    changed: Option<Duration>,
    all: Duration,
}

async fn initial(rig: &mut Rig, limit: Duration) -> Result<Times> {
    let all = rig.ready_at(&rig.revision()?);
    let began = Instant::now();
    rig.apply_root().await?;
    if rig.alerting.is_some() {
        rig.receiver_ready(limit).await?;
    }
    let all = rig.wait(&all, rig.total(), limit).await?;
    Ok(Times {
        changed: None,
        all: all - began,
    })
}

async fn one_service(
    rig: &mut Rig,
    service: &str,
    version: &str,
    by_webhook: bool,
    limit: Duration,
) -> Result<Times> {
    let revision = rig.commit(
        "Release one service",
        &rig.monorepo.release(service, version),
    )?;
    let (changed, all) = (rig.has_image(service, version), rig.ready_at(&revision));
    let began = if by_webhook {
        rig.push_webhook().await?.0
    } else {
        rig.poke_source().await?
    };
    let changed = rig.wait(&changed, 1, limit).await?;
    let all = rig.wait(&all, rig.total(), limit).await?;
    Ok(Times {
        changed: Some(changed - began),
        all: all - began,
    })
}

async fn no_service(rig: &mut Rig, limit: Duration) -> Result<Times> {
    let revision = rig.commit("Say more", &rig.monorepo.touch_readme("More is said here."))?;
    let all = rig.ready_at(&revision);
    let began = rig.poke_source().await?;
    let all = rig.wait(&all, rig.total(), limit).await?;
    Ok(Times {
        changed: None,
        all: all - began,
    })
}

async fn full_reconcile(rig: &mut Rig, limit: Duration) -> Result<Times> {
    const IN_FLIGHT: usize = 8;
    let token = rig.token();
    let handled = rig.handled(&token);
    let began = Instant::now();
    futures::stream::iter(rig.monorepo.service_names().collect::<Vec<_>>())
        .map(|name| {
            let (rig, token) = (&*rig, token.as_str());
            async move { rig.annotate(&kustomization(), &name, token).await }
        })
        .buffer_unordered(IN_FLIGHT)
        .try_for_each(async |()| Ok(()))
        .await?;
    let services = rig.monorepo.services;
    let all = rig.wait(&handled, services, limit).await?;
    Ok(Times {
        changed: None,
        all: all - began,
    })
}

async fn restart(rig: &mut Rig, service: &str, limit: Duration) -> Result<Times> {
    let version = "3.0.0";
    rig.kustomize.kill()?;
    let revision = rig.commit(
        "Release one service",
        &rig.monorepo.release(service, version),
    )?;
    let (changed, all) = (rig.has_image(service, version), rig.ready_at(&revision));
    rig.poke_source().await?;
    rig.quiet().await?;
    let began = Instant::now();
    rig.kustomize.start_again()?;
    let changed = rig.wait(&changed, 1, limit).await?;
    let all = rig.wait(&all, rig.total(), limit).await?;
    Ok(Times {
        changed: Some(changed - began),
        all: all - began,
    })
}

/// What had been used when a scenario began.
struct Before {
    mark: Mark,
    source: Usage,
    kustomize: (u32, Usage),
    api_server: Usage,
}

impl Before {
    fn now(rig: &mut Rig) -> Result<Self> {
        for id in [rig.source.process().id(), rig.kustomize.process().id()] {
            usage::reset_peak(id)?;
        }
        Ok(Self {
            mark: rig.plane.audit().context("there is no audit log")?.mark()?,
            source: rig.source.usage()?,
            kustomize: (rig.kustomize.process().id(), rig.kustomize.usage()?),
            api_server: rig
                .plane
                .api_server()
                .context("the cluster was given")?
                .usage()?,
        })
    }

    fn figures(
        &self,
        rig: &mut Rig,
        scenario: Scenario,
        times: &Times,
        touched: Option<&str>,
    ) -> Result<Figures> {
        let requests = rig
            .plane
            .audit()
            .context("there is no audit log")?
            .since(self.mark)?;
        // A process that was started again begins at zero.
        let kustomize_before =
            (self.kustomize.0 == rig.kustomize.process().id()).then_some(self.kustomize.1);
        let api_server = rig
            .plane
            .api_server()
            .context("the cluster was given")?
            .usage()?;
        let most = most_for_one(
            &requests,
            rig.monorepo
                .service_names()
                .filter(|name| Some(name.as_str()) != touched),
        );
        Ok(Figures {
            scenario,
            changed_seconds: times.changed.map(|time| time.as_secs_f64()),
            all_seconds: times.all.as_secs_f64(),
            floor_seconds: None,
            source_controller: Cost::of(&rig.source, Some(self.source), &requests)?,
            kustomize_controller: Cost::of(&rig.kustomize, kustomize_before, &requests)?,
            most_requests_for_an_untouched: most,
            api_server_cpu_seconds: api_server
                .cpu
                .saturating_sub(self.api_server.cpu)
                .as_secs_f64(),
        })
    }
}

impl Cost {
    fn of(controller: &Controller, before: Option<Usage>, requests: &[Request]) -> Result<Self> {
        let now = controller.usage()?;
        let before = before.map_or(Duration::ZERO, |usage| usage.cpu);
        let own = requests
            .iter()
            .filter(|request| request.user == controller.role().name());
        Ok(Self {
            cpu_seconds: now.cpu.saturating_sub(before).as_secs_f64(),
            #[expect(
                clippy::cast_precision_loss,
                reason = "megabytes need no more than 52 bits"
            )]
            peak_megabytes: now.peak_memory as f64 / f64::from(1 << 20),
            requests: by_verb(own),
        })
    }

    /// All requests.
    pub(crate) fn total(&self) -> usize {
        self.requests.values().sum()
    }
}

/// All objects of a service have its name, and events have it before a dot.
fn most_for_one(requests: &[Request], names: impl Iterator<Item = String>) -> usize {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for request in requests
        .iter()
        .filter(|request| request.user == Role::Kustomize.name())
    {
        let name = request.name.split('.').next().unwrap_or_default();
        *counts.entry(name).or_default() += 1;
    }
    names
        .filter_map(|name| counts.get(name.as_str()).copied())
        .max()
        .unwrap_or_default()
}
