//! Command lines as data: exit status, output, files written and the first word of what is told are the real
//! program's.

use crate::oracle;
use crate::run::{CONFIG_MAP, Outcome, Program, build};

const FILES: &[(&str, &str)] = &[
    (
        "kustomization.yaml",
        "resources: [cm.yaml, ns.yaml, base]\n",
    ),
    ("cm.yaml", CONFIG_MAP),
    (
        "ns.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: space\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: Web\n  namespace: space\n",
    ),
    (
        "base/kustomization.yaml",
        "configMapGenerator: [{name: gen, literals: [a=b]}]\n",
    ),
    ("escape/kustomization.yaml", "resources: [../cm.yaml]\n"),
    (
        "single/kustomization.yaml",
        "resources: [cm.yaml, cr.yaml]\n",
    ),
    ("single/cm.yaml", CONFIG_MAP),
    (
        "single/cr.yaml",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: 'system:x'\n",
    ),
    (
        "helm/kustomization.yaml",
        "helmCharts: [{name: x, repo: 'https://charts.invalid'}]\n",
    ),
    ("plugin/kustomization.yaml", "generators: [g.yaml]\n"),
    (
        "plugin/g.yaml",
        "apiVersion: example.com/v1\nkind: Maker\nmetadata:\n  name: m\n",
    ),
    ("old/kustomization.yaml", "bases: [../base]\n"),
    ("out/keep", ""),
];

/// Command lines for which both programs do the same.
const SAME: &[&[&str]] = &[
    &[],
    &["."],
    &["./"],
    &["base"],
    &["base/"],
    &["base/../single"],
    &["-o", "all.yaml"],
    &["-o", "out"],
    &["--output=out", "single"],
    &["-oout", "single"],
    &["-o=out", "base"],
    &["-o", ""],
    &["-o", "none/all.yaml"],
    &["--reorder", "none"],
    &["--reorder=legacy"],
    &["--reorder=random"],
    &["--reorder="],
    &["--load-restrictor=LoadRestrictionsNone", "escape"],
    &["--load-restrictor", "LoadRestrictionsRootOnly", "escape"],
    &["--load-restrictor=", "base"],
    &["--load-restrictor=none", "base"],
    &["escape"],
    &["--enable-managedby-label"],
    &["--enable-managedby-label=false"],
    &["--enable-managedby-label=T", "base"],
    &["--enable-managedby-label=maybe"],
    &["--enable-helm", "base"],
    &["--enable-helm=0", "helm"],
    &["helm"],
    &["--enable-exec", "plugin"],
    &["plugin"],
    &["--enable-alpha-plugins", "base"],
    &[
        "--helm-command",
        "h3",
        "--helm-api-versions=a",
        "--helm-api-versions",
        "b",
        "--helm-kube-version=1.30",
        "--helm-debug",
        "base",
    ],
    &[
        "-e",
        "A=B",
        "--env=C",
        "--mount",
        "type=bind",
        "--network",
        "--network-name=x",
        "--as-current-user",
        "base",
    ],
    &["--stack-trace=false", "base"],
    &["--no-such-flag"],
    &["-x"],
    &["--output"],
    &["base", "single"],
    &["nowhere"],
    &["cm.yaml"],
    &[""],
    &["out"],
    &["old"],
    &["--", "base"],
];

/// Command lines that only the real program carries out, and what ours says.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["--enable-helm", "helm"],
        "/helm/kustomization.yaml' names Helm charts, which are not inflated",
    ),
    (
        &["--enable-alpha-plugins", "helm"],
        "/helm/kustomization.yaml' names Helm charts",
    ),
    (
        &["--enable-alpha-plugins", "plugin"],
        "/plugin/kustomization.yaml' names the plugin 'Maker'",
    ),
    (
        &["--enable-alpha-plugins", "--enable-exec", "plugin"],
        "no programs and no containers are run",
    ),
];

/// The warnings, and that there is an error.
fn told(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.stderr.lines();
    lines
        .filter_map(|line| {
            if line.starts_with("Error: ") {
                Some("Error")
            } else {
                (line.starts_with("Flag --") || line.starts_with("# Warning")).then_some(line)
            }
        })
        .collect()
}

#[test]
fn command_lines_do_what_they_do_in_kustomize() {
    let failures: Vec<String> = oracle::parallel(SAME, |args| {
        let want = build(Program::Oracle, FILES, args, &[]);
        let got = build(Program::Ours, FILES, args, &[]);
        let same = want.code == got.code
            && want.stdout == got.stdout
            && want.files == got.files
            && told(&want) == told(&got);
        (!same).then(|| format!("{args:?}\nwant {want:?}\ngot  {got:?}"))
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn the_environment_asks_for_the_label() {
    for (value, labelled) in [("on", true), ("off", false), ("", false)] {
        let env = [(
            "KUSTOMIZE_ENABLE_MANAGEDBY_LABEL".to_owned(),
            value.to_owned(),
        )];
        let want = build(Program::Oracle, FILES, &["single"], &env);
        let got = build(Program::Ours, FILES, &["single"], &env);
        assert_eq!(got, want, "{value}");
        assert_eq!(got.stdout.contains("managed-by"), labelled, "{value}");
    }
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    for (args, text) in REFUSED {
        let got = build(Program::Ours, FILES, args, &[]);
        assert_eq!(got.code, Some(1), "{args:?}");
        assert!(got.stdout.is_empty(), "{args:?}");
        assert!(got.stderr.contains(text), "{args:?}: {}", got.stderr);
    }
}

#[test]
fn help_and_version_succeed() {
    let help = build(Program::Ours, &[], &["--help"], &[]);
    assert_eq!(help.code, Some(0));
    let theirs = build(Program::Oracle, &[], &["--help"], &[]);
    let flags = |text: &str| -> Vec<String> {
        let words = text.split_whitespace().map(|word| word.trim_matches(','));
        let mut flags: Vec<String> = words
            .filter(|word| word.starts_with("--"))
            .map(|word| word.split(['=', '[']).next().unwrap_or(word).to_owned())
            .collect();
        flags.sort();
        flags.dedup();
        flags
    };
    let ours = flags(&help.stdout);
    for flag in flags(&theirs.stdout) {
        assert!(ours.contains(&flag), "{flag} is not in the help");
    }
}
