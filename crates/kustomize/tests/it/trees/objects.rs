//! Objects of the kinds that transformers know, and of one that they don't.
//!
//! Names come from three words, so that references meet objects of other kinds by chance.

use std::collections::HashSet;

use proptest::prelude::*;

const NAMES: [&str; 3] = ["web", "api", "db"];

/// `%name` is a name, `%meta` a namespace or nothing, `%n` a digit.
const TEMPLATES: [&str; 20] = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %name, %meta}\ndata:\n  n: \"%n\"\n  host: %name.local\n  json: '{\"a\": {\"b\": %n}, \"c\": [\"x\"]}'\n",
    "apiVersion: v1\nkind: Service\nmetadata: {name: %name, %meta}\nspec:\n  selector: {app: %name}\n  ports:\n  - port: 80\n    name: http\n  - port: %n\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: %name, %meta}\nstringData: {a: b}\n",
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %name, %meta}\nimagePullSecrets: [{name: %name}]\nsecrets: [{name: %name}]\n",
    "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: %name, %meta, annotations: {size: %n, on: yes}}\nspec:\n  list: [a, {b: %n}]\n  empty:\n  path: /a/b/%name\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %name, %meta, labels: {app: %name}}\nspec:\n  replicas: %n\n  selector:\n    matchLabels: {app: %name}\n  template:\n    metadata:\n      labels: {app: %name}\n    spec:\n      serviceAccountName: %name\n      containers:\n      - name: main\n        image: registry.local/%name:v%n\n        env:\n        - name: HOST\n          valueFrom:\n            configMapKeyRef: {name: %name, key: host}\n        - {name: N, value: '%n'}\n        - {name: V, value: $(VAR)-%n}\n        envFrom:\n        - secretRef: {name: %name}\n        ports:\n        - containerPort: 80%n\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %name, %meta, labels: {app: %name}}\nspec:\n  template:\n    spec:\n      initContainers: [{name: init, image: 'registry.local/%name@sha256:ab%n'}]\n      containers: [{name: main, image: registry.local:5000/%name}, {name: proxy, image: proxy, command: [run, $(VAR)]}]\n      volumes:\n      - {name: c, configMap: {name: %name}}\n      - name: p\n        projected: {sources: [{secret: {name: %name}}, {configMap: {name: %name}}]}\n      affinity:\n        podAntiAffinity:\n          requiredDuringSchedulingIgnoredDuringExecution:\n          - {topologyKey: zone, labelSelector: {matchLabels: {app: %name}}}\n",
    "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: %name, %meta}\nspec:\n  serviceName: %name\n  replicas: %n\n  selector: {matchLabels: {app: %name}}\n  template:\n    spec:\n      containers: [{name: main, image: registry.local/%name:v%n}]\n      volumes: [{name: v, persistentVolumeClaim: {claimName: %name}}]\n  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {storageClassName: %name}\n",
    "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: %name, %meta}\nspec:\n  schedule: '*/%n * * * *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          priorityClassName: %name\n          containers: [{name: main, image: registry.local/%name, args: [$(VAR), '%n']}]\n",
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: %name, %meta}\nspec:\n  selector: {matchLabels: {}}\n  template:\n    spec:\n      imagePullSecrets: [{name: %name}]\n      containers: [{name: main, image: registry.local/%name}]\n",
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: %name\n  %meta\n  annotations: {nginx.ingress.kubernetes.io/auth-secret: %name}\nspec:\n  tls: [{hosts: [%name.local], secretName: %name}]\n  rules:\n  - host: $(VAR).local\n    http:\n      paths:\n      - {path: /, backend: {service: {name: %name, port: {number: 8%n}}}}\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: %name, %meta}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %name}\nsubjects:\n- {kind: ServiceAccount, name: %name, namespace: apps}\n- {kind: ServiceAccount, name: default}\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: %name, %meta}\nrules: [{apiGroups: [''], resources: [secrets], resourceNames: [%name], verbs: [get]}]\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: %name}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %name}\nsubjects: [{kind: ServiceAccount, name: %name, namespace: default}]\n",
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: %name}\nrules: []\n",
    "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: %name, %meta}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %name}\n  minReplicas: %n\n",
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %name, %meta}\nspec:\n  podSelector: {matchLabels: {app: %name}}\n  ingress: [{from: [{podSelector: {matchLabels: {app: %name}}}, {podSelector: {}}]}]\n",
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: %name}\n",
    "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: %name}\nwebhooks:\n- {name: a.%name.io, clientConfig: {service: {name: %name, namespace: apps}}}\n- {name: b.%name.io, timeoutSeconds: %n}\n",
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: %name, %meta}\nspec: {storageClassName: %name, resources: {requests: {storage: %nGi}}}\n",
];

/// What most fields of the layers look for: a kind's place in `TEMPLATES` and a name.
const WANTED: [(usize, &str); 5] = [(0, "web"), (1, "web"), (5, "web"), (0, "db"), (7, "api")];

/// Objects of different kinds or names.
pub(super) fn objects() -> impl Strategy<Value = Vec<String>> {
    let wanted = prop_oneof![
        4 => Just(WANTED.to_vec()),
        1 => prop::sample::subsequence(WANTED.to_vec(), 0..=5),
    ];
    (wanted, prop::collection::vec(object(), 1..6)).prop_map(|(wanted, objects)| {
        let mut seen = HashSet::new();
        wanted
            .into_iter()
            .map(|(kind, name)| fill(TEMPLATES[kind], name, false, 1))
            .chain(objects)
            .filter(|(id, _)| seen.insert(*id))
            .map(|(_, text)| text)
            .collect()
    })
}

/// Kind and name, and the object's text.
type Object = ((&'static str, &'static str), String);

fn object() -> impl Strategy<Value = Object> {
    let template = prop_oneof![
        2 => prop::sample::select(&TEMPLATES[..7]),
        1 => prop::sample::select(&TEMPLATES[..]),
    ];
    (
        template,
        prop::sample::select(&NAMES[..]),
        prop::bool::weighted(0.3),
        0..5_u8,
    )
        .prop_map(|(template, name, namespaced, digit)| fill(template, name, namespaced, digit))
}

fn fill(template: &'static str, name: &'static str, namespaced: bool, digit: u8) -> Object {
    let mut text = template.replace("%name", name);
    text = if namespaced {
        text.replace("%meta", "namespace: apps")
    } else {
        text.replace(", %meta", "").replace("  %meta\n", "")
    };
    let kind = template.split("\nmetadata").next().unwrap_or(template);
    ((kind, name), text.replace("%n", &digit.to_string()))
}
