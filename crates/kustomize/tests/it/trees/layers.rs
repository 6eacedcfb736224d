//! Layers over a file of objects: what their kustomization files may say, each field as a choice
//! among texts.

use proptest::prelude::*;

use super::Files;
use super::objects::objects;

/// A field of the kustomization file: how often it is there, and what it may hold.
type FieldTexts = (f64, &'static [&'static str]);

/// The fields but for `resources`, `components` and `patches`; `%l` is the layer's number.
const FIELDS: [FieldTexts; 20] = [
    (
        0.35,
        &[
            "namespace: prod\n",
            "namespace: apps\n",
            "namespace: default\n",
        ],
    ),
    (
        0.35,
        &[
            "namePrefix: pre-\n",
            "namePrefix: \"1\"\n",
            "namePrefix: a.\n",
        ],
    ),
    (0.3, &["nameSuffix: -x\n", "nameSuffix: \"-2\"\n"]),
    (
        0.35,
        &[
            "labels:\n- pairs: {team: a, app: over}\n",
            "labels:\n- pairs: {team: b}\n  includeSelectors: true\n",
            "labels:\n- pairs: {t: c}\n  includeTemplates: true\n- pairs: {t: d}\n",
            "labels:\n- pairs: {t: e}\n  fields: [{path: spec/extra, create: true, kind: Widget}]\n",
        ],
    ),
    (
        0.25,
        &[
            "commonLabels: {app: common}\n",
            "commonLabels: {zone: \"3\"}\n",
        ],
    ),
    (
        0.25,
        &[
            "commonAnnotations: {note: \"true\"}\n",
            "commonAnnotations: {size: big, m: \"1\"}\n",
        ],
    ),
    (
        0.35,
        &[
            "images:\n- {name: registry.local/web, newTag: \"7\"}\n",
            "images:\n- {name: registry.local/api, newName: other, tagSuffix: -s}\n",
            "images:\n- {name: registry.local/.*, digest: 'sha256:00'}\n- {name: proxy, newName: p:80/x}\n",
            "images:\n- {name: 'registry.local:5000/web', newTag: v, digest: 'sha256:11'}\n",
        ],
    ),
    (
        0.1,
        &[
            "replicas:\n- {name: web, count: 9}\n",
            "replicas:\n- {name: api, count: 0}\n",
        ],
    ),
    (
        0.4,
        &[
            "configMapGenerator:\n- name: gen%l\n  literals: [gen=1]\n",
            "configMapGenerator:\n- name: made%l\n  literals: [a=b, c=\"d\"]\n  options: {labels: {l: \"1\"}, immutable: true}\n",
            "configMapGenerator:\n- name: web\n  behavior: merge\n  literals: [n=2]\n",
            "configMapGenerator:\n- name: db\n  behavior: replace\n  literals: ['n=<&>']\n",
            "configMapGenerator:\n- name: gen%l\n  literals: [m=2]\n- name: gen%l\n  behavior: merge\n  literals: [n=3, m=4]\n",
            "configMapGenerator:\n- name: apart%l\n  namespace: apps\n  envs: [values.env]\n  files: [values.env, other=values.env]\n",
        ],
    ),
    (
        0.25,
        &[
            "secretGenerator:\n- name: db-secret%l\n  literals: [p=q]\n",
            "secretGenerator:\n- name: tls%l\n  type: kubernetes.io/tls\n  literals: ['tls.key=0123456789012345678901234567890123456789012345678901234567890123456789']\n",
        ],
    ),
    (
        0.15,
        &[
            "generatorOptions: {disableNameSuffixHash: true}\n",
            "generatorOptions: {annotations: {by: gen}}\n",
        ],
    ),
    (
        0.35,
        &[
            "replacements:\n- source: {kind: ConfigMap, name: web, fieldPath: data.host}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.[name=main].env.[name=N].value']\n    options: {create: true}\n",
            "replacements:\n- sourceValue: '7'\n  targets:\n  - select: {kind: Deployment|StatefulSet}\n    reject: [{name: api}]\n    fieldPaths: [spec.replicas]\n    options: {create: true}\n",
            "replacements:\n- sourceValue: v9\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.*.image']\n    options: {delimiter: ':', index: 1}\n",
            "replacements:\n- sourceValue: new\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [data.json.a.b, data.json.c.0]\n    options: {create: true}\n",
            "replacements:\n- sourceValue: sub\n  targets:\n  - select: {kind: Widget}\n    fieldPaths: [spec.path]\n    options: {delimiter: /, index: 2}\n  - select: {version: v1}\n    fieldPaths: ['metadata.annotations.added\\.by']\n    options: {create: true}\n",
            "replacements:\n- source: {kind: Service, name: web}\n  targets:\n  - select: {name: .*web.*}\n    fieldPaths: [metadata.labels.service]\n    options: {create: true}\n",
        ],
    ),
    (
        0.1,
        &[
            "sortOptions: {order: fifo}\n",
            "sortOptions: {order: legacy, legacySortOptions: {orderFirst: [Widget, Service], orderLast: [ConfigMap]}}\n",
        ],
    ),
    (
        0.15,
        &[
            "buildMetadata: [originAnnotations, transformerAnnotations]\n",
            "buildMetadata: [originAnnotations]\n",
            "buildMetadata: [managedByLabel]\n",
        ],
    ),
    (
        0.03,
        &["vars:\n- name: VAR\n  objref: {apiVersion: apps/v1, kind: Deployment, name: web}\n"],
    ),
    (
        0.3,
        &[
            "patchesJson6902:\n- target: {version: v1, kind: Service, name: .*web.*}\n  patch: '[{\"op\": \"add\", \"path\": \"/spec/ports/-\", \"value\": {\"port\": 99}}]'\n",
            "patchesJson6902:\n- target: {kind: Deployment, name: .*}\n  patch: |\n    - {op: test, path: /kind, value: Deployment}\n    - {op: copy, from: /metadata/name, path: /spec/copied}\n    - {op: add, path: /spec/a~1b~0c, value: 1000000}\n",
        ],
    ),
    (
        0.3,
        &[
            "transformers:\n- |\n  apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: {name: t}\n  prefix: tr-\n  fieldSpecs: [{path: metadata/name}, {path: spec/path, kind: Widget}]\n",
            "transformers:\n- |\n  apiVersion: builtin\n  kind: NamespaceTransformer\n  metadata: {name: t, namespace: plug}\n  unsetOnly: true\n  setRoleBindingSubjects: allServiceAccounts\n",
            "transformers:\n- |\n  apiVersion: builtin\n  kind: LabelTransformer\n  metadata: {name: t}\n  labels: {plug: in}\n  fieldSpecs: [{path: metadata/labels, create: true}, {path: spec/selector, kind: Service}]\n",
            "transformers:\n- |\n  apiVersion: builtin\n  kind: ValueAddTransformer\n  metadata: {name: t}\n  value: added\n  targets: [{selector: {kind: Widget}, fieldPath: spec/path, filePathPosition: 2}]\n",
            "generators:\n- |\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: plugged%l}\n  literals: [a=1, b=2]\n",
        ],
    ),
    (
        0.2,
        &[
            "patchesStrategicMerge:\n- |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web, labels: {legacy: 1, app: null}}\n  spec: {template: {spec: {containers: [{name: main, env: [{name: N, value: 7}]}]}}}\n",
            "patchesStrategicMerge:\n- |-\n  apiVersion: v1\n  kind: Service\n  metadata: {name: web, annotations: null}\n  spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}\n",
        ],
    ),
    (
        0.15,
        &[
            "configurations: [names.yaml]\n",
            "configurations: [more.yaml]\n",
            "configurations: [names.yaml, more.yaml]\n",
        ],
    ),
    (
        0.04,
        &[
            "openapi: {path: schema.yaml}\n",
            "openapi: {version: v1.21.2}\n",
            "crds: [crd.json]\n",
        ],
    ),
];

const PATCHES: [&str; 13] = [
    "- target: {name: web}\n  patch: |\n    - op: add\n      path: /metadata/annotations\n      value: {by: \"%n\", m: '1e3'}\n",
    "- target: {kind: Deployment}\n  patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: any, labels: {patched: \"%n\", app: null}}\n    spec:\n      replicas: %n\n      template:\n        spec:\n          containers:\n          - name: sidecar\n            image: side:%n\n          - name: main\n            env:\n            - {name: N, value: null, $patch: delete}\n            ports:\n            - {containerPort: 80%n, name: p}\n",
    "- target: {kind: ConfigMap, name: 'web|none'}\n  patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: x}\n    data: {n: null, extra: '%n'}\n",
    "- target: {kind: Widget}\n  patch: '[{\"op\": \"replace\", \"path\": \"/spec/list/1\", \"value\": 1%n00000}]'\n",
    "- target: {kind: Service}\n  patch: |\n    apiVersion: v1\n    kind: Service\n    metadata: {name: s}\n    spec:\n      ports: [{port: 80, protocol: TCP}, {port: 81}]\n",
    "- target: {kind: Secret, name: db}\n  patch: |\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: x}\n    $patch: delete\n",
    "- target: {labelSelector: 'app in (web,over),!team'}\n  patch: |\n    - {op: add, path: /metadata/labels/picked, value: 'yes'}\n",
    "- target: {kind: Deployment, annotationSelector: note=true}\n  patch: |\n    - {op: remove, path: /spec/template/spec/containers/0}\n",
    "- target: {group: apps}\n  patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: x}\n    spec:\n      template:\n        spec:\n          containers:\n          - $patch: replace\n          - {name: only, image: only:%n}\n          volumes: [{name: c, configMap: {name: gen1}}, {name: v, $patch: delete}]\n",
    "- target: {kind: Service, name: api}\n  options: {allowNameChange: true, allowKindChange: true}\n  patch: |\n    apiVersion: v1\n    kind: Gateway\n    metadata: {name: renamed}\n",
    "- target: {kind: Deployment}\n  patch: |\n    - {op: move, from: /spec/template/spec/containers, path: /spec/moved}\n    - {op: copy, from: /spec/moved, path: /spec/template/spec/containers}\n",
    "- target: {kind: CronJob|Job}\n  patch: |\n    apiVersion: batch/v1\n    kind: Job\n    metadata: {name: x, finalizers: [b, a]}\n    spec: {template: {spec: {containers: [{name: main, args: [x]}], nodeSelector: {$patch: replace, a: b}}}}\n",
    "- target: {kind: Widget}\n  patch: |\n    apiVersion: example.org/v1\n    kind: Widget\n    metadata: {name: x}\n    spec: {list: [{$patch: replace}, 2020-01-0%n], on: off, deep: {a: null, b: {c: 1_000}}}\n",
];

/// What a layer says beside its resources.
fn instructions() -> impl Strategy<Value = String> {
    let fields: Vec<_> = FIELDS
        .iter()
        .map(|(weight, texts)| prop::option::weighted(*weight, prop::sample::select(*texts)))
        .collect();
    let patch = (prop::sample::select(&PATCHES[..]), 0..9_u8)
        .prop_map(|(text, digit)| text.replace("%n", &digit.to_string()));
    (fields, prop::collection::vec(patch, 0..3)).prop_map(|(fields, patches)| {
        let mut text: String = fields.into_iter().flatten().collect();
        if !patches.is_empty() {
            text.push_str("patches:\n");
            text.push_str(&patches.concat());
        }
        text
    })
}

/// Files that kustomization files name.
const NAMED: [(&str, &str); 5] = [
    ("values.env", "# values\nA=1\n B= x y \nC\n"),
    (
        "names.yaml",
        "nameReference:\n- kind: ConfigMap\n  fieldSpecs:\n  - {path: spec/path, kind: Widget}\nnamePrefix:\n- {path: data/host, kind: ConfigMap}\nimages:\n- {path: spec/path, kind: Widget}\n",
    ),
    (
        "more.yaml",
        "commonLabels:\n- {path: spec/extra, create: true, kind: Widget}\ncommonAnnotations:\n- {path: spec/notes, create: true, kind: Service}\nreplicas:\n- {path: spec/size, create: true, kind: Widget}\nvarReference:\n- {path: spec/path}\nnamespace:\n- {path: spec/space, create: true, kind: Widget}\n",
    ),
    (
        "schema.yaml",
        "definitions:\n  Widget:\n    x-kubernetes-group-version-kind: [{group: example.org, version: v1, kind: Widget}]\n    properties:\n      spec:\n        properties:\n          list: {type: array, items: {type: string}, x-kubernetes-patch-strategy: merge}\n",
    ),
    (
        "crd.json",
        r#"{"org.example.Widget": {"Schema": {"properties": {"kind": {"type": "string"}, "apiVersion": {"type": "string"}, "metadata": {"type": "object"}, "spec": {"$ref": "org.example.Spec"}}}, "Dependencies": []}, "org.example.Spec": {"Schema": {"properties": {"path": {"type": "string", "x-kubernetes-object-ref-kind": "ConfigMap", "x-kubernetes-object-ref-api-version": "v1"}, "extra": {"x-kubernetes-label-selector": ""}}}, "Dependencies": []}}"#,
    ),
];

/// A tree whose top is `top`: files, then one to three layers, some with a component.
pub(crate) fn overlay() -> impl Strategy<Value = Files> {
    (
        objects(),
        prop::collection::vec(instructions(), 1..4),
        prop::option::weighted(0.3, instructions()),
        0..6_u8,
    )
        .prop_map(|(objects, layers, component, second)| {
            let mut files = vec![("base/all.yaml".to_owned(), objects.join("---\n"))];
            let mut below = "all.yaml".to_owned();
            let last = layers.len() - 1;
            for (index, instructions) in layers.into_iter().enumerate() {
                let dir = match index {
                    0 if last > 0 => "base".to_owned(),
                    i if i == last => "top".to_owned(),
                    i => format!("layer{i}"),
                };
                if index == 0 && dir == "top" {
                    let text = "resources: [all.yaml]\n".to_owned();
                    files.push(("base/kustomization.yaml".to_owned(), text));
                    "base".clone_into(&mut below);
                }
                let path = if below == "all.yaml" {
                    below
                } else {
                    format!("../{below}")
                };
                let mut text = format!("resources:\n- {path}\n");
                if dir == "top" && second == 0 {
                    text.push_str("- ../second\n");
                }
                text.push_str(&instructions.replace("%l", &index.to_string()));
                if dir == "top" && component.is_some() {
                    text.push_str("components:\n- ../component\n");
                }
                files.push((format!("{dir}/kustomization.yaml"), text));
                below = dir;
            }
            if second == 0 {
                // The same objects on another way, as a blue and a green copy.
                let text = "resources: [../base]\nnameSuffix: -green\n".to_owned();
                files.push(("second/kustomization.yaml".to_owned(), text));
            }
            if let Some(instructions) = component {
                let text = format!("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{}openapi: {{}}\n", instructions.replace("%l", "9"));
                files.push(("component/kustomization.yaml".to_owned(), text));
            }
            let named: Vec<(String, String)> = files
                .iter()
                .filter_map(|(path, text)| Some((path.strip_suffix("/kustomization.yaml")?, text)))
                .flat_map(|(dir, kustomization)| {
                    NAMED
                        .iter()
                        .filter(|(name, _)| kustomization.contains(name))
                        .map(move |(name, text)| (format!("{dir}/{name}"), (*text).to_owned()))
                })
                .collect();
            files.extend(named);
            files
        })
}
