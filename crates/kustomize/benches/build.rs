//! How long builds take and how much memory they need, beside the real `kustomize` in the same run.
//!
//! `cargo bench -p kustomize` prints a line per case: the library (with a warm cache objects, then with their text; with
//! an empty one from disk; putting variables in afterwards), and both programs as processes with their peak memory. The
//! process of ours is the `perigee`
//! beside this program (`cargo build --release -p cli`); without it that column is empty. On a shared machine only ratios
//! and counts say something: growth is what a resource costs against a resource of the smallest case, in time, in
//! allocations and, where `valgrind` is installed, in instructions of the whole process. The counts are those of the
//! algorithm; time also grows with what no longer fits the processor's caches.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kustomize::{DiskTree, MemoryTree, Options, Order, ParseCache, flux};

/// How often the library runs; the fastest counts.
const RUNS: u32 = 10;
/// How often a program runs.
const PROGRAM_RUNS: u32 = 3;
/// The real tool's time grows with the square; above this many resources it is not waited for.
const THEIRS_UP_TO: u32 = 3000;
/// Between two looks at a process's peak memory.
const LOOK: Duration = Duration::from_micros(100);
const SIZES: [u32; 3] = [1000, 3000, 10_000];

struct Case {
    name: String,
    resources: u32,
    files: Vec<(&'static str, String)>,
}

/// What a program took.
struct Process {
    time: Duration,
    peak_kib: u32,
    output: Vec<u8>,
}

fn object(index: u32) -> String {
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

fn text(resources: u32) -> String {
    let objects: Vec<String> = (0..resources).map(object).collect();
    objects.join("---\n")
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = SIZES
        .iter()
        .map(|&resources| Case {
            name: format!("{resources} resources: namespace, prefix, annotations, images"),
            resources,
            files: vec![
                ("top/all.yaml", text(resources)),
                (
                    "top/kustomization.yaml",
                    "resources: [all.yaml]\nnamespace: prod\nnamePrefix: p-\ncommonAnnotations: {team: red}\nimages: [{name: registry.local/app, newTag: '2.0'}]\n".to_owned(),
                ),
            ],
        })
        .collect();
    cases.push(Case {
        name: "overlay of 4 resources: namespace, image, patch".to_owned(),
        resources: 4,
        files: vec![
            ("base/all.yaml", text(4)),
            ("base/kustomization.yaml", "resources: [all.yaml]\n".to_owned()),
            (
                "top/kustomization.yaml",
                "resources: [../base]\nnamespace: prod\nimages: [{name: registry.local/app, newTag: '2.0'}]\npatches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: app-0}\n    spec: {replicas: 5}\n".to_owned(),
            ),
        ],
    });
    cases
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

/// Runs `program build dir`; none if there is no such program.
fn process(program: &Path, dir: &Path) -> Option<Process> {
    let mut fastest: Option<Process> = None;
    for _ in 0..PROGRAM_RUNS {
        let start = Instant::now();
        let child = Command::new(program)
            .arg("build")
            .arg(dir)
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        // Looks at the peak until the process is gone, when it has none any more.
        let watch = std::thread::spawn(move || {
            let mut peak = 0;
            while let Some(kib) = peak_kib(&status) {
                peak = kib;
                std::thread::sleep(LOOK);
            }
            peak
        });
        let output = child.wait_with_output().ok()?;
        let time = start.elapsed();
        let peak_kib = watch.join().unwrap_or_default();
        assert!(output.status.success(), "{} fails", program.display());
        if fastest.as_ref().is_none_or(|known| time < known.time) {
            fastest = Some(Process {
                time,
                peak_kib,
                output: output.stdout,
            });
        }
    }
    fastest
}

/// The instructions that `program build dir` takes; none without valgrind.
fn instructions(program: &Path, dir: &Path) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .arg("build")
        .arg(dir)
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let report = String::from_utf8(output.stderr).ok()?;
    let count = report
        .lines()
        .find_map(|line| line.split_once("Collected : "))?
        .1;
    count.trim().parse().ok()
}

/// Prints what a resource costs, and how often that is what it costs in the smallest case.
fn print_growth(
    out: &mut impl Write,
    resources: u32,
    smallest: &mut BTreeMap<&'static str, f64>,
    costs: &[(&'static str, Option<f64>)],
) {
    for (unit, cost) in costs {
        let Some(cost) = cost else { continue };
        let each = cost / f64::from(resources);
        let growth = each / *smallest.entry(unit).or_insert(each);
        writeln!(out, "  per resource: {each:.1} {unit}, growth {growth:.2}")
            .expect("standard output");
    }
}

fn peak_kib(status: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn main() {
    let options = Options {
        order: Order::Legacy,
        ..Options::default()
    };
    let theirs = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/oracles/kustomize-5.8.1/kustomize");
    let here = std::env::current_exe().expect("this program's path");
    let ours = here
        .ancestors()
        .nth(2)
        .map(|dir| dir.join("perigee"))
        .expect("the target directory");
    let mut out = std::io::stdout().lock();
    let mut smallest = BTreeMap::new();
    // `cargo bench -p kustomize --bench build -- overlay` runs the cases with that in their name.
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let chosen = cases().into_iter().filter(|case| {
        wanted
            .as_ref()
            .is_none_or(|wanted| case.name.contains(wanted.as_str()))
    });
    for case in chosen {
        let dir = tempfile::tempdir().expect("a directory");
        let mut memory = MemoryTree::default();
        for (path, text) in &case.files {
            memory.insert(path, text);
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, text).expect("a file");
        }
        let tree = DiskTree::open(dir.path()).expect("a tree");
        let warm = ParseCache::new(1 << 30);
        let build = |cache: &ParseCache| {
            let built = kustomize::build(&memory, "top", &options, cache).expect("a build");
            built.to_yaml().expect("text")
        };
        let text = build(&warm);
        let objects = best(RUNS, || {
            drop(kustomize::build(&memory, "top", &options, &warm).expect("a build"));
        });
        let with_text = best(RUNS, || drop(build(&warm)));
        let cold = best(RUNS, || {
            let built = kustomize::build(&tree, "top", &options, &ParseCache::default());
            drop(built.expect("a build").to_yaml());
        });
        let built = kustomize::build(&memory, "top", &options, &warm).expect("a build");
        let variables = flux::Variables {
            values: BTreeMap::from([("region".to_owned(), b"north".to_vec())]),
            ..flux::Variables::default()
        };
        let substituted = best(RUNS, || {
            flux::substitute(&mut built.clone(), Ok(&variables)).expect("values");
        });
        writeln!(
            out,
            "{}\n  library: warm {objects:?}, with text {with_text:?}, cold from disk {cold:?}, variables {substituted:?}",
            case.name
        )
        .expect("standard output");
        if case.resources >= SIZES[0] {
            let counted = allocation_counter::measure(|| {
                let built = kustomize::build(&tree, "top", &options, &ParseCache::default());
                drop(built.expect("a build").to_yaml());
            });
            #[expect(
                clippy::cast_precision_loss,
                reason = "a count needs no more than 52 bits"
            )]
            let as_float = |count: u64| count as f64;
            let costs = [
                ("µs", Some(cold.as_secs_f64() * 1e6)),
                ("allocations", Some(as_float(counted.count_total))),
                ("allocated bytes", Some(as_float(counted.bytes_total))),
                (
                    "instructions",
                    instructions(&ours, &dir.path().join("top")).map(as_float),
                ),
            ];
            print_growth(&mut out, case.resources, &mut smallest, &costs);
        }
        let mut times = Vec::new();
        for (name, program) in [("perigee", &ours), ("kustomize", &theirs)] {
            if name == "kustomize" && case.resources > THEIRS_UP_TO {
                continue;
            }
            let Some(process) = process(program, &dir.path().join("top")) else {
                writeln!(out, "  {name}: not built").expect("standard output");
                continue;
            };
            assert!(process.output == text, "the output of {name} differs");
            writeln!(
                out,
                "  {name}: {:?}, peak {} KiB",
                process.time, process.peak_kib
            )
            .expect("standard output");
            times.push(process);
        }
        if let [ours, theirs] = times.as_slice() {
            writeln!(
                out,
                "  ratio: time {:.1}, memory {:.1}",
                theirs.time.as_secs_f64() / ours.time.as_secs_f64(),
                f64::from(theirs.peak_kib) / f64::from(ours.peak_kib.max(1))
            )
            .expect("standard output");
        }
    }
}
