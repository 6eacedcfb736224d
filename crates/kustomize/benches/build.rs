//! How long builds take, beside the real `kustomize` in the same run.
//!
//! `cargo bench -p kustomize` prints one line per case: ours with a warm cache, ours with an empty one
//! (both without process start), and the program as a whole.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kustomize::{DiskTree, MemoryTree, Options, Order, ParseCache};

const RUNS: u32 = 10;
/// The program takes seconds on the large case.
const PROGRAM_RUNS: u32 = 2;

struct Case {
    name: &'static str,
    files: Vec<(String, String)>,
}

fn object(index: usize) -> String {
    match index % 3 {
        0 => format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{index}\n  labels:\n    app: app-{index}\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: app-{index}\n  template:\n    metadata:\n      labels:\n        app: app-{index}\n    spec:\n      containers:\n      - name: main\n        image: registry.local/app:1.0\n        ports:\n        - containerPort: 8080\n        env:\n        - name: A\n          value: \"1\"\n        envFrom:\n        - configMapRef:\n            name: app-{}\n        resources:\n          requests:\n            cpu: 100m\n            memory: 64Mi\n",
            index + 2
        ),
        1 => format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: app-{index}\nspec:\n  selector:\n    app: app-{index}\n  ports:\n  - name: http\n    port: 80\n    targetPort: 8080\n"
        ),
        _ => format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{index}\ndata:\n  key: value\n  other: \"10\"\n"
        ),
    }
}

fn cases() -> [Case; 2] {
    let large: Vec<String> = (0..3000).map(object).collect();
    let large = large.join("---\n");
    let small: Vec<String> = (0..4).map(object).collect();
    [
        Case {
            name: "3000 resources: namespace, prefix, annotations, images",
            files: vec![
                ("top/all.yaml".into(), large),
                (
                    "top/kustomization.yaml".into(),
                    "resources: [all.yaml]\nnamespace: prod\nnamePrefix: p-\ncommonAnnotations: {team: red}\nimages: [{name: registry.local/app, newTag: '2.0'}]\n".into(),
                ),
            ],
        },
        Case {
            name: "overlay of 4 resources: namespace, image, patch",
            files: vec![
                ("base/all.yaml".into(), small.join("---\n")),
                ("base/kustomization.yaml".into(), "resources: [all.yaml]\n".into()),
                (
                    "top/kustomization.yaml".into(),
                    "resources: [../base]\nnamespace: prod\nimages: [{name: registry.local/app, newTag: '2.0'}]\npatches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: app-0}\n    spec: {replicas: 5}\n".into(),
                ),
            ],
        },
    ]
}

fn best(runs: u32, mut run: impl FnMut()) -> Duration {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn main() {
    let options = Options {
        order: Order::Legacy,
        ..Options::default()
    };
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/oracles/kustomize-5.8.1/kustomize");
    let mut out = std::io::stdout().lock();
    for case in cases() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut memory = MemoryTree::default();
        for (path, text) in &case.files {
            memory.insert(path, text);
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, text).expect("a file");
        }
        let tree = DiskTree::open(dir.path()).expect("a tree");
        let warm = ParseCache::default();
        let build = |cache: &ParseCache| {
            let built = kustomize::build(&memory, "top", &options, cache).expect("a build");
            built.to_yaml().expect("text")
        };
        let ours = build(&warm);
        let objects = best(RUNS, || {
            drop(kustomize::build(&memory, "top", &options, &warm).expect("a build"));
        });
        let warm_text = best(RUNS, || drop(build(&warm)));
        let cold = best(RUNS, || {
            let built = kustomize::build(&tree, "top", &options, &ParseCache::default());
            drop(built.expect("a build").to_yaml());
        });
        let theirs = best(PROGRAM_RUNS, || {
            let output = Command::new(&program)
                .arg("build")
                .arg(dir.path().join("top"))
                .output();
            if let Ok(output) = output {
                assert!(output.stdout == ours, "the outputs differ");
            }
        });
        writeln!(
            out,
            "{}\n  warm {objects:?}, warm with text {warm_text:?}, cold from disk {cold:?}, kustomize {theirs:?}",
            case.name
        )
        .expect("standard output");
    }
}
