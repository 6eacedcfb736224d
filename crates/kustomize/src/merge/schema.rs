//! What strategic merge must know of the built-in types: which lists merge, and by which keys.
//!
//! The table holds the merge annotations of the Kubernetes 1.21 schema that kustomize carries and
//! the fields that lead to them; everything else is atomic. Types of other versions have no schema
//! at all, so that their lists are replaced.
//! Source: Kubernetes v1.21.2 `api/openapi-spec/swagger.json`, `x-kubernetes-patch-*`.

mod custom;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use custom::CustomSchemas;

/// The schemas that a build merges by.
#[derive(Debug)]
pub(crate) struct Schemas {
    built_in: BuiltIn,
    /// The user's own types.
    custom: Option<Arc<CustomSchemas>>,
    was_asked: AtomicBool,
}

/// What the table of built-in types counts for beside the user's own.
///
/// Upstream reads the table late, into the same map as the user's schema, so that what was asked
/// before decides which of two definitions of a type is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    /// The user's schema takes its place.
    Absent,
    /// The user's types win.
    BehindCustom,
    /// The built-in types win.
    BeforeCustom,
}

/// A type, as far as merging descends into it.
#[derive(Debug, Clone)]
pub(crate) enum Type {
    BuiltIn(&'static Schema),
    Custom(custom::Type),
}

/// What a field of a type is.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// An object, or a value that does not merge.
    Plain(Type),
    /// A list of objects that merge by keys.
    List(Cow<'static, [Cow<'static, str>]>, Option<Type>),
    /// A list of scalars that merge as a set.
    Set,
}

/// A built-in type.
#[derive(Debug)]
pub(crate) struct Schema {
    fields: &'static [(&'static str, Field)],
}

/// A field of a built-in type.
#[derive(Debug, Clone, Copy)]
enum Field {
    /// An object.
    Object(&'static Schema),
    /// A list of objects that merge by keys.
    List(&'static [Cow<'static, str>], &'static Schema),
    /// A list of scalars that merge as a set.
    Set,
}

impl Schemas {
    pub(crate) fn with(custom: CustomSchemas, built_in: BuiltIn) -> Self {
        Self {
            built_in,
            custom: Some(Arc::new(custom)),
            was_asked: AtomicBool::new(false),
        }
    }

    /// Whether anything was merged by these schemas.
    pub(crate) fn was_asked(&self) -> bool {
        self.was_asked.load(Ordering::Relaxed)
    }

    /// The type of an object.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<Type> {
        self.was_asked.store(true, Ordering::Relaxed);
        let custom = || {
            let custom = self.custom.as_ref()?;
            custom.of(api_version, kind).map(Type::Custom)
        };
        let built_in = || built_in(api_version, kind).map(Type::BuiltIn);
        match self.built_in {
            BuiltIn::Absent => custom(),
            BuiltIn::BehindCustom => custom().or_else(built_in),
            BuiltIn::BeforeCustom => built_in().or_else(custom),
        }
    }
}

impl Default for Schemas {
    fn default() -> Self {
        Self {
            built_in: BuiltIn::BehindCustom,
            custom: None,
            was_asked: AtomicBool::new(false),
        }
    }
}

impl Type {
    pub(crate) fn field(&self, name: &str) -> Option<Shape> {
        match self {
            Self::BuiltIn(schema) => {
                let (_, field) = schema.fields.iter().find(|(known, _)| *known == name)?;
                Some(match field {
                    Field::Object(schema) => Shape::Plain(Self::BuiltIn(schema)),
                    Field::List(keys, schema) => {
                        Shape::List(Cow::Borrowed(keys), Some(Self::BuiltIn(schema)))
                    }
                    Field::Set => Shape::Set,
                })
            }
            Self::Custom(schema) => schema.field(name),
        }
    }
}

/// Whether the table knows a type.
pub(crate) fn is_built_in(api_version: &str, kind: &str) -> bool {
    built_in(api_version, kind).is_some()
}

fn built_in(api_version: &str, kind: &str) -> Option<&'static Schema> {
    let (_, kinds) = TYPES.iter().find(|(version, _)| *version == api_version)?;
    kinds
        .iter()
        .find(|(name, _)| *name == kind)
        .map(|(_, schema)| *schema)
}

/// A merge key.
const fn key(name: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(name)
}

use Field::{List, Object, Set};

static LEAF: Schema = Schema { fields: &[] };
static OBJECT_META: Schema = Schema {
    fields: &[
        ("ownerReferences", List(&[key("uid")], &LEAF)),
        ("finalizers", Set),
    ],
};
static CONTAINER: Schema = Schema {
    fields: &[
        ("env", List(&[key("name")], &LEAF)),
        ("volumeMounts", List(&[key("mountPath")], &LEAF)),
        ("volumeDevices", List(&[key("devicePath")], &LEAF)),
        (
            "ports",
            List(&[key("containerPort"), key("protocol")], &LEAF),
        ),
    ],
};
static EPHEMERAL_CONTAINER: Schema = Schema {
    fields: &[
        ("env", List(&[key("name")], &LEAF)),
        ("volumeMounts", List(&[key("mountPath")], &LEAF)),
        ("volumeDevices", List(&[key("devicePath")], &LEAF)),
    ],
};
static POD_SPEC: Schema = Schema {
    fields: &[
        ("containers", List(&[key("name")], &CONTAINER)),
        ("initContainers", List(&[key("name")], &CONTAINER)),
        (
            "ephemeralContainers",
            List(&[key("name")], &EPHEMERAL_CONTAINER),
        ),
        ("imagePullSecrets", List(&[key("name")], &LEAF)),
        ("volumes", List(&[key("name")], &VOLUME)),
        ("hostAliases", List(&[key("ip")], &LEAF)),
        (
            "topologySpreadConstraints",
            List(&[key("topologyKey"), key("whenUnsatisfiable")], &LEAF),
        ),
    ],
};
static VOLUME: Schema = Schema {
    fields: &[("ephemeral", Object(&EPHEMERAL_VOLUME))],
};
static EPHEMERAL_VOLUME: Schema = Schema {
    fields: &[("volumeClaimTemplate", Object(&CLAIM_TEMPLATE))],
};
static CLAIM_TEMPLATE: Schema = Schema {
    fields: &[("metadata", Object(&OBJECT_META))],
};
static POD_TEMPLATE_SPEC: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("spec", Object(&POD_SPEC)),
    ],
};
static CONDITIONS: Schema = Schema {
    fields: &[("conditions", List(&[key("type")], &LEAF))],
};
static POD_STATUS: Schema = Schema {
    fields: &[
        ("conditions", List(&[key("type")], &LEAF)),
        ("podIPs", List(&[key("ip")], &LEAF)),
    ],
};
static NODE_STATUS: Schema = Schema {
    fields: &[
        ("conditions", List(&[key("type")], &LEAF)),
        ("addresses", List(&[key("type")], &LEAF)),
    ],
};
static WORKLOAD_SPEC: Schema = Schema {
    fields: &[("template", Object(&POD_TEMPLATE_SPEC))],
};
static JOB_TEMPLATE: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("spec", Object(&WORKLOAD_SPEC)),
    ],
};
static CRON_JOB_SPEC: Schema = Schema {
    fields: &[("jobTemplate", Object(&JOB_TEMPLATE))],
};
static SERVICE_SPEC: Schema = Schema {
    fields: &[("ports", List(&[key("port"), key("protocol")], &LEAF))],
};
static NODE_SPEC: Schema = Schema {
    fields: &[("podCIDRs", Set)],
};
static CSI_NODE_SPEC: Schema = Schema {
    fields: &[("drivers", List(&[key("name")], &LEAF))],
};

static PLAIN: Schema = Schema {
    fields: &[("metadata", Object(&OBJECT_META))],
};
static WITH_CONDITIONS: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("status", Object(&CONDITIONS)),
    ],
};
static POD: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("spec", Object(&POD_SPEC)),
        ("status", Object(&POD_STATUS)),
    ],
};
static POD_TEMPLATE: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("template", Object(&POD_TEMPLATE_SPEC)),
    ],
};
static WORKLOAD: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("spec", Object(&WORKLOAD_SPEC)),
        ("status", Object(&CONDITIONS)),
    ],
};
static CRON_JOB: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("spec", Object(&CRON_JOB_SPEC)),
    ],
};
static SERVICE: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("spec", Object(&SERVICE_SPEC)),
        ("status", Object(&CONDITIONS)),
    ],
};
static SERVICE_ACCOUNT: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("secrets", List(&[key("name")], &LEAF)),
    ],
};
static NODE: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("spec", Object(&NODE_SPEC)),
        ("status", Object(&NODE_STATUS)),
    ],
};
static CSI_NODE: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("spec", Object(&CSI_NODE_SPEC)),
    ],
};
static WEBHOOKS: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("webhooks", List(&[key("name")], &LEAF)),
    ],
};
static COMPONENT_STATUS: Schema = Schema {
    fields: &[
        ("metadata", Object(&OBJECT_META)),
        ("conditions", List(&[key("type")], &LEAF)),
    ],
};

type Kinds = &'static [(&'static str, &'static Schema)];

const ADMISSION: Kinds = &[
    ("MutatingWebhookConfiguration", &WEBHOOKS),
    ("ValidatingWebhookConfiguration", &WEBHOOKS),
];
const RBAC: Kinds = &[
    ("ClusterRole", &PLAIN),
    ("ClusterRoleBinding", &PLAIN),
    ("Role", &PLAIN),
    ("RoleBinding", &PLAIN),
];
const API_EXTENSIONS: Kinds = &[("CustomResourceDefinition", &PLAIN)];
const API_REGISTRATION: Kinds = &[("APIService", &WITH_CONDITIONS)];
const AUTOSCALER: Kinds = &[("HorizontalPodAutoscaler", &PLAIN)];
const CERTIFICATES: Kinds = &[("CertificateSigningRequest", &PLAIN)];
const LEASES: Kinds = &[("Lease", &PLAIN)];
const SLICES: Kinds = &[("EndpointSlice", &PLAIN)];
const EVENTS: Kinds = &[("Event", &PLAIN)];
const RUNTIME: Kinds = &[("RuntimeClass", &PLAIN)];
const SCHEDULING: Kinds = &[("PriorityClass", &PLAIN)];

const TYPES: &[(&str, Kinds)] = &[
    (
        "v1",
        &[
            ("ComponentStatus", &COMPONENT_STATUS),
            ("ConfigMap", &PLAIN),
            ("Endpoints", &PLAIN),
            ("Event", &PLAIN),
            ("LimitRange", &PLAIN),
            ("Namespace", &WITH_CONDITIONS),
            ("Node", &NODE),
            ("PersistentVolume", &PLAIN),
            ("PersistentVolumeClaim", &WITH_CONDITIONS),
            ("Pod", &POD),
            ("PodTemplate", &POD_TEMPLATE),
            ("ReplicationController", &WORKLOAD),
            ("ResourceQuota", &PLAIN),
            ("Secret", &PLAIN),
            ("Service", &SERVICE),
            ("ServiceAccount", &SERVICE_ACCOUNT),
        ],
    ),
    (
        "apps/v1",
        &[
            ("ControllerRevision", &PLAIN),
            ("DaemonSet", &WORKLOAD),
            ("Deployment", &WORKLOAD),
            ("ReplicaSet", &WORKLOAD),
            ("StatefulSet", &WORKLOAD),
        ],
    ),
    ("batch/v1", &[("CronJob", &CRON_JOB), ("Job", &WORKLOAD)]),
    ("batch/v1beta1", &[("CronJob", &CRON_JOB)]),
    (
        "autoscaling/v1",
        &[("HorizontalPodAutoscaler", &PLAIN), ("Scale", &PLAIN)],
    ),
    ("autoscaling/v2beta1", AUTOSCALER),
    ("autoscaling/v2beta2", AUTOSCALER),
    ("admissionregistration.k8s.io/v1", ADMISSION),
    ("admissionregistration.k8s.io/v1beta1", ADMISSION),
    ("apiextensions.k8s.io/v1", API_EXTENSIONS),
    ("apiextensions.k8s.io/v1beta1", API_EXTENSIONS),
    ("apiregistration.k8s.io/v1", API_REGISTRATION),
    ("apiregistration.k8s.io/v1beta1", API_REGISTRATION),
    ("certificates.k8s.io/v1", CERTIFICATES),
    ("certificates.k8s.io/v1beta1", CERTIFICATES),
    ("coordination.k8s.io/v1", LEASES),
    ("coordination.k8s.io/v1beta1", LEASES),
    ("discovery.k8s.io/v1", SLICES),
    ("discovery.k8s.io/v1beta1", SLICES),
    ("events.k8s.io/v1", EVENTS),
    ("events.k8s.io/v1beta1", EVENTS),
    ("extensions/v1beta1", &[("Ingress", &PLAIN)]),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        &[
            ("FlowSchema", &PLAIN),
            ("PriorityLevelConfiguration", &PLAIN),
        ],
    ),
    (
        "networking.k8s.io/v1",
        &[
            ("Ingress", &PLAIN),
            ("IngressClass", &PLAIN),
            ("NetworkPolicy", &PLAIN),
        ],
    ),
    (
        "networking.k8s.io/v1beta1",
        &[("Ingress", &PLAIN), ("IngressClass", &PLAIN)],
    ),
    ("node.k8s.io/v1", RUNTIME),
    ("node.k8s.io/v1beta1", RUNTIME),
    ("policy/v1", &[("PodDisruptionBudget", &WITH_CONDITIONS)]),
    (
        "policy/v1beta1",
        &[
            ("PodDisruptionBudget", &WITH_CONDITIONS),
            ("PodSecurityPolicy", &PLAIN),
        ],
    ),
    ("rbac.authorization.k8s.io/v1", RBAC),
    ("rbac.authorization.k8s.io/v1beta1", RBAC),
    ("scheduling.k8s.io/v1", SCHEDULING),
    ("scheduling.k8s.io/v1beta1", SCHEDULING),
    (
        "storage.k8s.io/v1",
        &[
            ("CSIDriver", &PLAIN),
            ("CSINode", &CSI_NODE),
            ("StorageClass", &PLAIN),
            ("VolumeAttachment", &PLAIN),
        ],
    ),
    (
        "storage.k8s.io/v1beta1",
        &[
            ("CSIDriver", &PLAIN),
            ("CSINode", &CSI_NODE),
            ("CSIStorageCapacity", &PLAIN),
            ("StorageClass", &PLAIN),
            ("VolumeAttachment", &PLAIN),
        ],
    ),
];
