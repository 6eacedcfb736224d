//! The sample repository: one Kustomization, Deployment, Service and Ingress for each service.
//!
//! ```text
//! clusters/<env>/<service>/<service>-kustomization.yaml    the Kustomization of the service
//! <env>/releases/<service>/{deployment,service,ingress}.yaml
//! README.md
//! ```
//!
//! Everything here is pure: it says what is in files, [`Repository::commit`] writes them.
//!
//! [`Repository::commit`]: crate::git_server::Repository::commit

use anyhow::{Context, Result};

use crate::git_server::Change;

/// A sample repository of a size.
#[derive(Debug, Clone)]
pub struct Monorepo {
    /// The environment, which is also the namespace of the services.
    pub env: String,
    /// The number of services.
    pub services: usize,
    /// The namespace of the Kustomizations and their source.
    pub flux_namespace: String,
    /// The source's name.
    pub source: String,
    /// `spec.interval` of each Kustomization.
    pub interval: String,
    /// `spec.wait` of each Kustomization.
    pub wait: bool,
}

impl Monorepo {
    /// A repository with this many services in the environment `production`.
    pub fn new(services: usize) -> Self {
        Self {
            env: "production".to_owned(),
            services,
            flux_namespace: "flux-system".to_owned(),
            source: "monorepo".to_owned(),
            interval: "10m".to_owned(),
            wait: false,
        }
    }

    /// The name of a service; `index` counts from zero.
    pub fn service(&self, index: usize) -> String {
        format!("service-{index:04}")
    }

    /// The names of all services.
    pub fn service_names(&self) -> impl Iterator<Item = String> {
        (0..self.services).map(|index| self.service(index))
    }

    /// The directory of the Kustomizations.
    pub fn cluster_path(&self) -> String {
        format!("clusters/{}", self.env)
    }

    /// The directory of a service's manifests.
    pub fn release_path(&self, service: &str) -> String {
        format!("{}/releases/{service}", self.env)
    }

    /// The first commit: every file.
    pub fn everything(&self) -> Vec<Change> {
        let readme = format!("# {}\n\n{} services.\n", self.env, self.services);
        let mut changes = vec![Change::write("README.md", readme)];
        for service in self.service_names() {
            changes.push(Change::write(
                format!(
                    "{}/{service}/{service}-kustomization.yaml",
                    self.cluster_path()
                ),
                self.kustomization(&service),
            ));
            let path = self.release_path(&service);
            changes.push(Change::write(
                format!("{path}/deployment.yaml"),
                self.deployment(&service, "1.0.0"),
            ));
            changes.push(Change::write(
                format!("{path}/service.yaml"),
                self.service_manifest(&service),
            ));
            changes.push(Change::write(
                format!("{path}/ingress.yaml"),
                self.ingress(&service),
            ));
        }
        changes
    }

    /// A commit that gives one service another version.
    pub fn release(&self, service: &str, version: &str) -> Vec<Change> {
        let path = format!("{}/deployment.yaml", self.release_path(service));
        vec![Change::write(path, self.deployment(service, version))]
    }

    /// A commit that touches no service.
    pub fn touch_readme(&self, text: &str) -> Vec<Change> {
        vec![Change::write(
            "README.md",
            format!("# {}\n\n{text}\n", self.env),
        )]
    }

    /// A commit that defines one service's Deployment a second time, in a file of its own.
    pub fn duplicate_definition(&self, service: &str) -> Vec<Change> {
        let path = format!("{}/deployment-copy.yaml", self.release_path(service));
        vec![Change::write(path, self.deployment(service, "1.0.0"))]
    }

    /// A commit that takes the second definition away.
    pub fn remove_duplicate(&self, service: &str) -> Vec<Change> {
        vec![Change::remove(format!(
            "{}/deployment-copy.yaml",
            self.release_path(service)
        ))]
    }

    /// A commit that makes one service's Deployment no YAML any more.
    pub fn break_yaml(&self, service: &str) -> Vec<Change> {
        let path = format!("{}/deployment.yaml", self.release_path(service));
        vec![Change::write(path, "kind: Deployment\n  metadata: [\n")]
    }

    /// The image of a service at a version.
    pub fn image(service: &str, version: &str) -> String {
        format!("registry.example.com/{service}:{version}")
    }

    /// The source of the repository, as a manifest.
    pub fn git_repository(&self, url: &str) -> serde_json::Value {
        serde_json::json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": { "name": self.source, "namespace": self.flux_namespace },
            "spec": { "interval": self.interval, "url": url, "ref": { "branch": "main" } },
        })
    }

    /// The Kustomization that creates the others, as a manifest.
    pub fn root_kustomization(&self) -> serde_json::Value {
        serde_json::json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": { "name": "cluster", "namespace": self.flux_namespace },
            "spec": {
                "interval": self.interval,
                "path": format!("./{}", self.cluster_path()),
                "prune": true,
                "sourceRef": { "kind": "GitRepository", "name": self.source },
            },
        })
    }

    /// The objects of a service as a controller sends them: Deployment, Service and Ingress.
    ///
    /// # Errors
    /// Never for what this module prints.
    pub fn objects(&self, service: &str, version: &str) -> Result<Vec<serde_json::Value>> {
        [
            self.deployment(service, version),
            self.service_manifest(service),
            self.ingress(service),
        ]
        .iter()
        .map(|manifest| parse(manifest))
        .collect()
    }

    /// The Kustomization of a service.
    ///
    /// # Errors
    /// Never for what this module prints.
    pub fn kustomization_object(&self, service: &str) -> Result<serde_json::Value> {
        parse(&self.kustomization(service))
    }

    fn kustomization(&self, service: &str) -> String {
        let Self {
            flux_namespace,
            source,
            interval,
            wait,
            ..
        } = self;
        let path = self.release_path(service);
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: {service}
  namespace: {flux_namespace}
spec:
  interval: {interval}
  path: ./{path}
  prune: true
  wait: {wait}
  sourceRef:
    kind: GitRepository
    name: {source}
"
        )
    }

    fn deployment(&self, service: &str, version: &str) -> String {
        let (env, image) = (&self.env, Self::image(service, version));
        format!(
            "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {service}
  namespace: {env}
  labels:
    app.kubernetes.io/name: {service}
spec:
  replicas: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: {service}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {service}
    spec:
      containers:
      - name: {service}
        image: {image}
        ports:
        - name: http
          containerPort: 8080
        env:
        - name: ENVIRONMENT
          value: {env}
        - name: LOG_LEVEL
          value: info
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
          limits:
            memory: 256Mi
        readinessProbe:
          httpGet:
            path: /healthz
            port: http
"
        )
    }

    fn service_manifest(&self, service: &str) -> String {
        let env = &self.env;
        format!(
            "apiVersion: v1
kind: Service
metadata:
  name: {service}
  namespace: {env}
  labels:
    app.kubernetes.io/name: {service}
spec:
  selector:
    app.kubernetes.io/name: {service}
  ports:
  - name: http
    port: 80
    targetPort: http
"
        )
    }

    fn ingress(&self, service: &str) -> String {
        let env = &self.env;
        format!(
            "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {service}
  namespace: {env}
  labels:
    app.kubernetes.io/name: {service}
spec:
  ingressClassName: nginx
  rules:
  - host: {service}.{env}.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: {service}
            port:
              name: http
"
        )
    }
}

/// These are plain manifests; a general parser is good enough for them.
fn parse(manifest: &str) -> Result<serde_json::Value> {
    serde_saphyr::from_str(manifest).context("parse a manifest of the sample")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_is_an_object_of_its_place() {
        let monorepo = Monorepo::new(3);
        assert_eq!(monorepo.everything().len(), 1 + 4 * 3);
        let objects = monorepo.objects("service-0001", "2.0.0").unwrap();
        let kinds: Vec<_> = objects
            .iter()
            .map(|object| object["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["Deployment", "Service", "Ingress"]);
        assert!(
            objects
                .iter()
                .all(|object| object["metadata"]["name"] == "service-0001")
        );
        let image = &objects[0]["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(image, &Monorepo::image("service-0001", "2.0.0"));
        let kustomization = monorepo.kustomization_object("service-0001").unwrap();
        assert_eq!(
            kustomization["spec"]["path"],
            "./production/releases/service-0001"
        );
        assert_eq!(kustomization["spec"]["prune"], true);
    }

    #[test]
    fn edits_touch_what_they_say() {
        let monorepo = Monorepo::new(2);
        let path = |changes: Vec<Change>| match changes.as_slice() {
            [Change::Write(path, _) | Change::Remove(path)] => path.clone(),
            other => panic!("not one change: {other:?}"),
        };
        let release = "production/releases/service-0000";
        for (changes, expected) in [
            (
                monorepo.release("service-0000", "2"),
                format!("{release}/deployment.yaml"),
            ),
            (
                monorepo.break_yaml("service-0000"),
                format!("{release}/deployment.yaml"),
            ),
            (
                monorepo.duplicate_definition("service-0000"),
                format!("{release}/deployment-copy.yaml"),
            ),
            (
                monorepo.remove_duplicate("service-0000"),
                format!("{release}/deployment-copy.yaml"),
            ),
            (monorepo.touch_readme("hello"), "README.md".to_owned()),
        ] {
            assert_eq!(path(changes), expected);
        }
    }
}
