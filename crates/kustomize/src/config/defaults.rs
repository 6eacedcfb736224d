//! The built-in transformer configuration.
//!
//! Rows are `group, version, kind, path`; kinds that share a pod template share rows.
//! Source: kustomize `api/internal/konfig/builtinpluginconsts` (api 0.21.1).

use crate::field_spec::{FieldSpec, FieldSpecs};
use crate::id::Gvk;

use super::{BackReference, Config};

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// Kind, version and where its pod spec is, for references to ConfigMaps and Secrets.
const POD_SPECS: [(&str, &str, &str); 8] = [
    ("Pod", "v1", "spec"),
    ("PodTemplate", "", "template/spec"),
    ("Deployment", "", "spec/template/spec"),
    ("ReplicaSet", "", "spec/template/spec"),
    ("DaemonSet", "", "spec/template/spec"),
    ("StatefulSet", "", "spec/template/spec"),
    ("Job", "", "spec/template/spec"),
    ("CronJob", "", "spec/jobTemplate/spec/template/spec"),
];

/// The same for other references: `ReplicationController` is here, `ReplicaSet` is not.
const WORKLOADS: [(&str, &str); 7] = [
    ("Pod", "spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicationController", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
];

/// Kinds whose pods expand variables. The NFS path of `CronJob` and the claims of `StatefulSet`
/// are what upstream has.
const VAR_PODS: [(&str, &str, &str); 7] = [
    (
        "CronJob",
        "spec/jobTemplate/spec/template/spec",
        "spec/jobTemplate/spec/template/volumes/nfs/server",
    ),
    (
        "DaemonSet",
        "spec/template/spec",
        "spec/template/spec/volumes/nfs/server",
    ),
    (
        "Deployment",
        "spec/template/spec",
        "spec/template/spec/volumes/nfs/server",
    ),
    (
        "Job",
        "spec/template/spec",
        "spec/template/spec/volumes/nfs/server",
    ),
    ("Pod", "spec", "spec/volumes/nfs/server"),
    (
        "ReplicaSet",
        "spec/template/spec",
        "spec/template/spec/volumes/nfs/server",
    ),
    (
        "StatefulSet",
        "spec/template/spec",
        "spec/volumeClaimTemplates/spec/nfs/server",
    ),
];

type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

const METADATA_LABELS: [Row<'_>; 10] = [
    ("", "", "", "metadata/labels"),
    (
        "",
        "v1",
        "ReplicationController",
        "spec/template/metadata/labels",
    ),
    ("", "", "Deployment", "spec/template/metadata/labels"),
    ("", "", "ReplicaSet", "spec/template/metadata/labels"),
    ("", "", "DaemonSet", "spec/template/metadata/labels"),
    ("apps", "", "StatefulSet", "spec/template/metadata/labels"),
    (
        "apps",
        "",
        "StatefulSet",
        "spec/volumeClaimTemplates[]/metadata/labels",
    ),
    ("batch", "", "Job", "spec/template/metadata/labels"),
    ("batch", "", "CronJob", "spec/jobTemplate/metadata/labels"),
    (
        "batch",
        "",
        "CronJob",
        "spec/jobTemplate/spec/template/metadata/labels",
    ),
];

const SELECTORS: [Row<'_>; 6] = [
    ("", "v1", "Service", "spec/selector"),
    ("", "v1", "ReplicationController", "spec/selector"),
    ("", "", "Deployment", "spec/selector/matchLabels"),
    ("", "", "ReplicaSet", "spec/selector/matchLabels"),
    ("", "", "DaemonSet", "spec/selector/matchLabels"),
    ("apps", "", "StatefulSet", "spec/selector/matchLabels"),
];

/// Selectors that get a label only where they exist.
const EXISTING_SELECTORS: [Row<'_>; 6] = [
    ("batch", "", "Job", "spec/selector/matchLabels"),
    (
        "batch",
        "",
        "CronJob",
        "spec/jobTemplate/spec/selector/matchLabels",
    ),
    (
        "policy",
        "",
        "PodDisruptionBudget",
        "spec/selector/matchLabels",
    ),
    (
        "networking.k8s.io",
        "",
        "NetworkPolicy",
        "spec/podSelector/matchLabels",
    ),
    (
        "networking.k8s.io",
        "",
        "NetworkPolicy",
        "spec/ingress/from/podSelector/matchLabels",
    ),
    (
        "networking.k8s.io",
        "",
        "NetworkPolicy",
        "spec/egress/to/podSelector/matchLabels",
    ),
];

const POD_TERMS: [&str; 5] = [
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

const ANNOTATIONS: [Row<'_>; 9] = [
    ("", "", "", "metadata/annotations"),
    (
        "",
        "v1",
        "ReplicationController",
        "spec/template/metadata/annotations",
    ),
    ("", "", "Deployment", "spec/template/metadata/annotations"),
    ("", "", "ReplicaSet", "spec/template/metadata/annotations"),
    ("", "", "DaemonSet", "spec/template/metadata/annotations"),
    ("", "", "StatefulSet", "spec/template/metadata/annotations"),
    ("batch", "", "Job", "spec/template/metadata/annotations"),
    (
        "batch",
        "",
        "CronJob",
        "spec/jobTemplate/metadata/annotations",
    ),
    (
        "batch",
        "",
        "CronJob",
        "spec/jobTemplate/spec/template/metadata/annotations",
    ),
];

const IMAGES: [&str; 6] = [
    "spec/containers[]/image",
    "spec/initContainers[]/image",
    "spec/volumes[]/image/reference",
    "spec/template/spec/containers[]/image",
    "spec/template/spec/initContainers[]/image",
    "spec/template/spec/volumes[]/image/reference",
];

const REPLICAS: [Row<'_>; 4] = [
    ("", "", "Deployment", "spec/replicas"),
    ("", "", "ReplicationController", "spec/replicas"),
    ("", "", "ReplicaSet", "spec/replicas"),
    ("", "", "StatefulSet", "spec/replicas"),
];

const AUTOSCALED: [Row<'_>; 1] = [(
    "",
    "",
    "HorizontalPodAutoscaler",
    "spec/scaleTargetRef/name",
)];
const ROLES: [Row<'_>; 2] = [
    ("", "", "Role", "rules/resourceNames"),
    ("", "", "ClusterRole", "rules/resourceNames"),
];

const CONFIG_MAP_IN_POD: [&str; 6] = [
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
];

const CONFIG_MAP: [Row<'_>; 2] = [
    ("", "", "Node", "spec/configSource/configMap"),
    (
        "",
        "",
        "Ingress",
        "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap",
    ),
];

const SECRET_IN_POD: [&str; 7] = [
    "volumes/secret/secretName",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
];

const SECRET: [Row<'_>; 12] = [
    ("", "", "Ingress", "spec/tls/secretName"),
    (
        "",
        "",
        "Ingress",
        "metadata/annotations/ingress.kubernetes.io\\/auth-secret",
    ),
    (
        "",
        "",
        "Ingress",
        "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret",
    ),
    (
        "",
        "",
        "Ingress",
        "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret",
    ),
    // A second time, as upstream: the new name may be the old one of another Secret.
    ("", "", "Ingress", "spec/tls/secretName"),
    ("", "", "ServiceAccount", "imagePullSecrets/name"),
    ("", "", "StorageClass", "parameters/secretName"),
    ("", "", "StorageClass", "parameters/adminSecretName"),
    ("", "", "StorageClass", "parameters/userSecretName"),
    ("", "", "StorageClass", "parameters/secretRef"),
    (
        "serving.knative.dev",
        "v1",
        "Service",
        "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
    ),
    ("", "", "PersistentVolume", "spec/azureFile/secretName"),
];

const SERVICE: [Row<'_>; 8] = [
    ("apps", "", "StatefulSet", "spec/serviceName"),
    (
        "",
        "",
        "Ingress",
        "spec/rules/http/paths/backend/serviceName",
    ),
    ("", "", "Ingress", "spec/backend/serviceName"),
    (
        "",
        "",
        "Ingress",
        "spec/rules/http/paths/backend/service/name",
    ),
    ("", "", "Ingress", "spec/defaultBackend/service/name"),
    (
        "apiregistration.k8s.io",
        "",
        "APIService",
        "spec/service/name",
    ),
    (
        ADMISSION,
        "",
        "ValidatingWebhookConfiguration",
        "webhooks/clientConfig/service",
    ),
    (
        ADMISSION,
        "",
        "MutatingWebhookConfiguration",
        "webhooks/clientConfig/service",
    ),
];

const STORAGE_CLASS: [Row<'_>; 3] = [
    ("", "", "PersistentVolume", "spec/storageClassName"),
    ("", "", "PersistentVolumeClaim", "spec/storageClassName"),
    (
        "",
        "",
        "StatefulSet",
        "spec/volumeClaimTemplates/spec/storageClassName",
    ),
];

/// Builds the default configuration, sorted.
pub(super) fn config() -> Config {
    let metadata_labels = || METADATA_LABELS.iter().map(|row| spec(*row, true));
    let mut config = Config {
        name_prefix: one("metadata/name"),
        name_suffix: one("metadata/name"),
        namespace: namespace(),
        common_labels: metadata_labels()
            .chain(SELECTORS.iter().map(|row| spec(*row, true)))
            .chain(EXISTING_SELECTORS.iter().map(|row| spec(*row, false)))
            .chain(pod_terms())
            .collect(),
        template_labels: metadata_labels().collect(),
        common_annotations: ANNOTATIONS.iter().map(|row| spec(*row, true)).collect(),
        name_reference: name_references(),
        var_reference: var_references(),
        images: IMAGES
            .iter()
            .map(|path| FieldSpec::any(path, true))
            .collect(),
        replicas: REPLICAS.iter().map(|row| spec(*row, true)).collect(),
        ..Config::default()
    };
    config.sort();
    config
}

fn spec((group, version, kind, path): Row<'_>, create: bool) -> FieldSpec {
    FieldSpec::new(
        Gvk {
            group,
            version,
            kind,
        },
        path,
        create,
    )
}

fn one(path: &str) -> FieldSpecs {
    [FieldSpec::any(path, false)].into_iter().collect()
}

fn namespace() -> FieldSpecs {
    [
        spec(("", "", "Namespace", "metadata/name"), true),
        spec(
            (
                "apiregistration.k8s.io",
                "",
                "APIService",
                "spec/service/namespace",
            ),
            true,
        ),
        spec(
            (
                "apiextensions.k8s.io",
                "",
                "CustomResourceDefinition",
                "spec/conversion/webhook/clientConfig/service/namespace",
            ),
            false,
        ),
    ]
    .into_iter()
    .collect()
}

fn pod_terms() -> impl Iterator<Item = FieldSpec> {
    ["Deployment", "StatefulSet"].into_iter().flat_map(|kind| {
        POD_TERMS.iter().map(move |term| {
            spec(
                ("apps", "", kind, &format!("spec/template/spec/{term}")),
                false,
            )
        })
    })
}

fn name_references() -> Vec<BackReference> {
    let fixed = |rows: &[Row<'_>]| rows.iter().map(|row| spec(*row, false)).collect::<Vec<_>>();
    let pods = |paths: &[&str]| {
        POD_SPECS
            .iter()
            .flat_map(|&(kind, version, root)| {
                paths
                    .iter()
                    .map(move |path| spec(("", version, kind, &format!("{root}/{path}")), false))
            })
            .collect::<Vec<_>>()
    };
    let workloads = |path: &str| {
        WORKLOADS
            .iter()
            .map(|&(kind, root)| spec(("", "", kind, &format!("{root}/{path}")), false))
            .collect::<Vec<_>>()
    };
    let role_ref = |kind| spec((RBAC, "", kind, "roleRef/name"), false);
    let subjects = |kind| spec((RBAC, "", kind, "subjects"), false);
    let reference =
        |group: &str, version: &str, kind: &str, parts: Vec<Vec<FieldSpec>>| BackReference {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            referrers: parts.into_iter().flatten().collect(),
        };
    vec![
        reference("", "", "Deployment", vec![fixed(&AUTOSCALED)]),
        reference("", "", "ReplicationController", vec![fixed(&AUTOSCALED)]),
        reference("", "", "ReplicaSet", vec![fixed(&AUTOSCALED)]),
        reference("", "", "StatefulSet", vec![fixed(&AUTOSCALED)]),
        reference(
            "",
            "v1",
            "ConfigMap",
            vec![pods(&CONFIG_MAP_IN_POD), fixed(&CONFIG_MAP), fixed(&ROLES)],
        ),
        reference(
            "",
            "v1",
            "Secret",
            vec![pods(&SECRET_IN_POD), fixed(&SECRET), fixed(&ROLES)],
        ),
        reference("", "v1", "Service", vec![fixed(&SERVICE)]),
        reference(RBAC, "", "Role", vec![vec![role_ref("RoleBinding")]]),
        reference(
            RBAC,
            "",
            "ClusterRole",
            vec![vec![
                role_ref("RoleBinding"),
                role_ref("ClusterRoleBinding"),
            ]],
        ),
        reference(
            "",
            "v1",
            "ServiceAccount",
            vec![
                vec![subjects("RoleBinding"), subjects("ClusterRoleBinding")],
                workloads("serviceAccountName"),
            ],
        ),
        reference(
            "",
            "v1",
            "PersistentVolumeClaim",
            vec![workloads("volumes/persistentVolumeClaim/claimName")],
        ),
        reference(
            "",
            "v1",
            "PersistentVolume",
            vec![fixed(&[
                ("", "", "PersistentVolumeClaim", "spec/volumeName"),
                ("", "", "ClusterRole", "rules/resourceNames"),
            ])],
        ),
        reference(
            "storage.k8s.io",
            "v1",
            "StorageClass",
            vec![fixed(&STORAGE_CLASS)],
        ),
        reference(
            "scheduling.k8s.io",
            "v1",
            "PriorityClass",
            vec![workloads("priorityClassName")],
        ),
        // The group is malformed upstream, so that this never matches an object.
        reference(
            "networking.k8s.io/v1",
            "v1",
            "IngressClass",
            vec![fixed(&[("", "", "Ingress", "spec/ingressClassName")])],
        ),
        reference(
            ADMISSION,
            "",
            "ValidatingAdmissionPolicy",
            vec![fixed(&[(
                ADMISSION,
                "",
                "ValidatingAdmissionPolicyBinding",
                "spec/policyName",
            )])],
        ),
    ]
}

fn var_references() -> FieldSpecs {
    let containers = |root: &str, kind: &str| {
        let mut specs = Vec::new();
        for list in ["containers", "initContainers"] {
            for field in ["args", "command", "env/value", "volumeMounts/mountPath"] {
                specs.push(spec(
                    ("", "", kind, &format!("{root}/{list}/{field}")),
                    false,
                ));
            }
        }
        specs
    };
    VAR_PODS
        .iter()
        .flat_map(|&(kind, root, nfs)| {
            let mut specs = containers(root, kind);
            specs.push(spec(("", "", kind, nfs), false));
            specs
        })
        .chain(
            [
                ("", "", "PersistentVolume", "spec/nfs/server"),
                ("", "", "Deployment", "spec/template/metadata/annotations"),
                ("", "", "Ingress", "spec/rules/host"),
                ("", "", "Ingress", "spec/tls/hosts"),
                ("", "", "Ingress", "spec/tls/secretName"),
                ("", "", "Service", "spec/ports/port"),
                ("", "", "Service", "spec/ports/targetPort"),
                ("", "", "", "metadata/labels"),
                ("", "", "", "metadata/annotations"),
            ]
            .map(|row| spec(row, false)),
        )
        .collect()
}
