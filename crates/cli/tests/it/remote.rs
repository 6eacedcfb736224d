//! Remote files and bases: each case is a kustomization that both programs build, from repositories over HTTP, ssh
//! and the file system. `HTTP` stands for the server, `FILE` for the directory with the repositories.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::oracle;
use crate::run::{CONFIG_MAP, Outcome, Program, build};
use crate::server::Server;

/// Cases: a kustomization, and a text that both errors contain; empty where the build succeeds.
const CASES: &[(&str, &str)] = &[
    // Bases.
    ("resources: ['HTTP/org/repo//base']", ""),
    ("resources: ['HTTP/org/repo/base?ref=master']", ""),
    ("resources: ['HTTP/org/repo?ref=v1']", ""),
    (
        "resources: ['HTTP/org/repo//base?version=v1&timeout=90']",
        "",
    ),
    ("resources: ['HTTP/org/repo//base?submodules=false']", ""),
    ("resources: ['HTTP/org/repo.git/base']", ""),
    ("resources: ['HTTP/org/repo.git//base?ref=COMMIT']", ""),
    ("resources: ['HTTP/deep/_git/repo/base']", ""),
    ("resources: ['git::HTTP/org/repo//base']", ""),
    ("resources: ['FILE/org/repo.git']", ""),
    ("resources: ['FILE/org/repo.git//base?ref=v1']", ""),
    ("resources: ['FILE/org/repo//base']", ""),
    ("resources: ['git@host.invalid:org/repo/base']", ""),
    ("resources: ['git@host.invalid:org/repo.git?ref=v1']", ""),
    ("resources: ['ssh://git@host.invalid/org/repo//base']", ""),
    ("resources: ['ssh://host.invalid/org/repo//base']", ""),
    ("resources: ['github.com/org/repo/base']", ""),
    ("resources: ['git@github.com:org/repo/base']", ""),
    (
        "components: ['HTTP/org/repo//component']\nresources: [cm.yaml]",
        "",
    ),
    ("bases: ['HTTP/org/repo//base']", ""),
    // The repository's own layers.
    ("resources: ['HTTP/org/repo//overlay']", ""),
    (
        "resources: ['HTTP/org/repo//overlay', cm.yaml]\nnamePrefix: x-",
        "",
    ),
    ("resources: ['HTTP/org/repo//other']\nnameSuffix: -o", ""),
    ("resources: ['HTTP/org/repo//generated']", ""),
    ("resources: ['HTTP/org/repo//linked']", ""),
    ("resources: ['HTTP/org/super//over']", ""),
    (
        "resources: ['HTTP/org/repo//escape-base']",
        "bases in kustomizations found in cloned git repos must be within the repo",
    ),
    (
        "resources: ['HTTP/org/repo//escape-file']",
        "security; file",
    ),
    ("resources: ['HTTP/org/repo//escape-link']", ""),
    (
        "resources: ['HTTP/org/repo//sibling-file']",
        "security; file",
    ),
    (
        "resources: ['HTTP/org/repo//cycle']",
        "cycle detected: candidate root",
    ),
    ("resources: ['FILE/org/ring.git']", "cycle detected: URI"),
    (
        "resources: ['HTTP/org/repo//base', 'HTTP/org/repo//base?ref=v1']",
        "may not add resource with an already registered id",
    ),
    // What goes wrong.
    (
        "resources: ['HTTP/org/repo//nowhere']",
        "evalsymlink failure on",
    ),
    (
        "resources: ['HTTP/org/repo//base/cm.yaml']",
        "refers to file 'cm.yaml'; expecting directory",
    ),
    (
        "resources: ['HTTP/org/repo//empty']",
        "unable to find one of",
    ),
    (
        "resources: ['HTTP/org/repo//base?ref=nowhere']",
        "couldn't find remote ref nowhere",
    ),
    ("resources: ['HTTP/org/none//base']", "failed to run"),
    (
        "resources: ['FILE/none']",
        "does not appear to be a git repository",
    ),
    ("resources: ['HTTP/org/repo//../x']", ""),
    (
        "resources: ['HTTP/org/repo//component']",
        "expected kind != 'Component'",
    ),
    (
        "components: ['HTTP/org/repo//base']",
        "expected kind 'Component'",
    ),
    (
        "components: ['HTTP/org/none//x']",
        "loader.New \"failed to run",
    ),
    // Files.
    ("resources: ['HTTP/files/cm.yaml']", ""),
    ("resources: ['HTTP/moved/files/cm.yaml']", ""),
    ("resources: ['HTTP/files/two.yaml', cm.yaml]", ""),
    ("resources: ['HTTP/status/404']", "failed to run"),
    (
        "resources: ['HTTP/none.yaml']",
        "HTTP Error: status code 404 (Not Found)",
    ),
    ("resources: ['HTTP/files/bad.yaml']", "MalformedYAMLError"),
    (
        "resources: [cm.yaml]\npatches: [{path: 'HTTP/files/patch.yaml'}]",
        "",
    ),
    (
        "resources: [cm.yaml]\npatches: [{path: 'HTTP/none.yaml'}]",
        "status code 404 (Not Found)",
    ),
    (
        "configMapGenerator: [{name: a, files: ['k=HTTP/files/cm.yaml']}]",
        "",
    ),
    (
        "resources: [cm.yaml]\nconfigurations: ['HTTP/files/config.yaml']\nnamePrefix: x-",
        "",
    ),
    (
        "resources: ['http://127.0.0.1:1/cm.yaml']",
        "onnection refused",
    ),
    // Where it says that things come from.
    (
        "resources: ['HTTP/org/repo//overlay?ref=master', 'HTTP/files/two.yaml']\nbuildMetadata: [originAnnotations]",
        "",
    ),
    (
        "resources: ['HTTP/org/repo//generated?ref=master']\nbuildMetadata: [originAnnotations, transformerAnnotations]",
        "",
    ),
    (
        "resources: ['FILE/org/repo.git']\nbuildMetadata: [originAnnotations, transformerAnnotations]\nnamePrefix: x-",
        "",
    ),
    (
        "resources: ['HTTP/files/cm.yaml']\nbuildMetadata: [originAnnotations]",
        "",
    ),
    (
        "components: ['HTTP/org/repo//component']\nresources: [cm.yaml]\nbuildMetadata: [originAnnotations, transformerAnnotations]",
        "",
    ),
];

/// Arguments of the command; the second part as above.
const TARGETS: &[(&str, &str)] = &[
    ("HTTP/org/repo//base", ""),
    ("HTTP/org/repo.git/overlay?ref=master", ""),
    ("FILE/org/repo.git//base?ref=v1", ""),
    ("git::FILE/org/repo.git//base", ""),
    ("git@host.invalid:org/repo//base", ""),
    ("FILE/org/repo.git//nowhere", "evalsymlink failure on"),
    ("FILE/org/repo.git//sibling-file", "security; file"),
    ("HTTP/files/cm.yaml", "failed to run"),
];

const RING: &str = "resources: ['FILE/org/ring.git']\n";

/// The files of the repository, at `master`; `v1` has the first only.
const REPOSITORY: &[(&str, &str)] = &[
    ("base/kustomization.yaml", "resources: [cm.yaml]\n"),
    ("base/cm.yaml", CONFIG_MAP),
    (
        "kustomization.yaml",
        "resources: [base]\nnamePrefix: root-\n",
    ),
    (
        "overlay/kustomization.yaml",
        "resources: [../base, ../extra]\nnamespace: over\n",
    ),
    ("extra/kustomization.yaml", "resources: [cm.yaml]\n"),
    (
        "extra/cm.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\n",
    ),
    (
        "other/kustomization.yaml",
        "resources: ['FILE/org/repo.git//base?ref=v1']\nnamePrefix: other-\n",
    ),
    (
        "generated/kustomization.yaml",
        "configMapGenerator: [{name: gen, files: [data]}]\ntransformers: [t.yaml]\n",
    ),
    ("generated/data", "text\n"),
    (
        "generated/t.yaml",
        "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: t-\nfieldSpecs: [{path: metadata/name}]\n",
    ),
    (
        "component/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\n",
    ),
    (
        "escape-base/kustomization.yaml",
        "resources: [../../../../../../../../../../..]\n",
    ),
    (
        "escape-file/kustomization.yaml",
        "resources: [cm.yaml]\nconfigMapGenerator: [{name: a, files: [/etc/hosts]}]\n",
    ),
    ("escape-file/cm.yaml", CONFIG_MAP),
    (
        "sibling-file/kustomization.yaml",
        "configMapGenerator: [{name: a, files: [../base/cm.yaml]}]\n",
    ),
    ("cycle/kustomization.yaml", "resources: [../cycle]\n"),
    ("empty/readme", "nothing\n"),
];

struct World {
    server: Server,
    env: Vec<(String, String)>,
    commit: String,
}

impl World {
    fn fill(&self, text: &str) -> String {
        text.replace("HTTP", &format!("http://{}", self.server.address))
            .replace("FILE", &format!("file://{}", self.server.root.display()))
            .replace("COMMIT", &self.commit)
    }
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@example.com"])
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "init.defaultBranch=master",
        ])
        .args(args)
        .current_dir(dir)
        .output()
        .expect("git runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("remote-bases");
        drop(fs::remove_dir_all(&scratch));
        let root = scratch.join("served");
        fs::create_dir_all(&root).expect("a directory");
        let server = Server::start(&root);
        let mut world = World {
            server,
            env: Vec::new(),
            commit: String::new(),
        };
        let work = scratch.join("work");
        fs::create_dir_all(&work).expect("a directory");
        git(&work, &["init", "-q"]);
        for (index, (path, text)) in REPOSITORY.iter().enumerate() {
            write(&work, path, &world.fill(text));
            if index == 2 {
                git(&work, &["add", "."]);
                git(&work, &["commit", "-qm", "one"]);
                git(&work, &["tag", "v1"]);
            }
        }
        for (link, target) in [("linked", "base"), ("escape-link", "/etc")] {
            std::os::unix::fs::symlink(target, work.join(link)).expect("a link");
        }
        git(&work, &["add", "."]);
        git(&work, &["commit", "-qm", "two"]);
        world.commit = git(&work, &["rev-parse", "HEAD"]);
        let bare = |work: &Path, name: &str| {
            let to = root.join(name);
            git(work, &["clone", "-q", "--bare", ".", to.to_str().expect("a text")]);
            git(&to, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        };
        bare(&work, "org/repo.git");
        bare(&work, "org/repo");
        bare(&work, "deep/_git/repo");
        let ring = scratch.join("ring");
        write(&ring, "kustomization.yaml", &world.fill(RING));
        let outer = scratch.join("super");
        write(&outer, "over/kustomization.yaml", "resources: [../sub/base]\n");
        for dir in [&ring, &outer] {
            git(dir, &["init", "-q"]);
            git(dir, &["add", "."]);
        }
        let address = world.fill("HTTP/org/repo.git");
        git(&outer, &["submodule", "add", "-q", &address, "sub"]);
        for (dir, name) in [(&ring, "org/ring.git"), (&outer, "org/super")] {
            git(dir, &["commit", "-qm", "one"]);
            bare(dir, name);
        }
        write(&root, "files/cm.yaml", &CONFIG_MAP.replace("one", "fetched"));
        write(&root, "files/two.yaml", &format!("{}---\n{}", CONFIG_MAP.replace("one", "two"), CONFIG_MAP.replace("one", "three")));
        write(&root, "files/patch.yaml", &format!("{CONFIG_MAP}data: {{a: b}}\n"));
        write(&root, "files/config.yaml", "namePrefix: [{path: metadata/labels/x}]\n");
        write(&root, "files/bad.yaml", "a: [\n");
        let ssh = scratch.join("ssh");
        write(
            &scratch,
            "ssh",
            &format!(
                "#!/bin/sh\n# The last argument is what a server would run; its paths are relative to the login's directory.\ncd '{}'\nfor last; do :; done\neval \"$(printf '%s' \"$last\" | sed \"s|^git-upload-pack '/*|git upload-pack '|\")\"\n",
                root.display()
            ),
        );
        let mut mode = fs::metadata(&ssh).expect("the script").permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        fs::set_permissions(&ssh, mode).expect("an executable script");
        world.env = [
            ("GIT_SSH_COMMAND", ssh.display().to_string()),
            ("GIT_SSH_VARIANT", "simple".to_owned()),
            ("GIT_CONFIG_COUNT", "1".to_owned()),
            ("GIT_CONFIG_KEY_0", format!("url.file://{}/.insteadOf", root.display())),
            ("GIT_CONFIG_VALUE_0", "https://github.com/".to_owned()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        world
    })
}

/// Says how ours differs from the oracle, or that neither says what is expected.
fn compare(want: &Outcome, got: &Outcome, text: &str) -> Option<String> {
    let same = want.code == got.code && want.stdout == got.stdout;
    let named = want.stderr.contains(text) && got.stderr.contains(text);
    (!same || !named).then(|| format!("want {want:?}\ngot  {got:?}\nboth with {text:?}"))
}

#[test]
fn remote_entries_build_as_in_kustomize() {
    let world = world();
    let failures: Vec<String> = oracle::parallel(CASES, |(kustomization, text)| {
        let top = world.fill(kustomization);
        let files = [
            ("kustomization.yaml", top.as_str()),
            ("cm.yaml", CONFIG_MAP),
        ];
        let want = build(Program::Oracle, &files, &[], &world.env);
        let got = build(Program::Ours, &files, &[], &world.env);
        compare(&want, &got, text).map(|difference| format!("{kustomization}\n{difference}"))
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn remote_targets_build_as_in_kustomize() {
    let world = world();
    let failures: Vec<String> = oracle::parallel(TARGETS, |(target, text)| {
        let target = world.fill(target);
        let want = build(Program::Oracle, &[], &[&target], &world.env);
        let got = build(Program::Ours, &[], &[&target], &world.env);
        compare(&want, &got, text).map(|difference| format!("{target}\n{difference}"))
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn options_for_git_do_not_hide_in_references() {
    let world = world();
    let marker = world.server.root.join("touched");
    let target = world.fill("FILE/org/repo.git//base?ref=--upload-pack=touch%20")
        + &marker.display().to_string();
    let got = build(Program::Ours, &[], &[&target], &world.env);
    assert_eq!(got.code, Some(1));
    assert!(got.stderr.contains("is not a reference"), "{}", got.stderr);
    assert!(!marker.exists());
}

#[test]
fn a_step_that_takes_too_long_is_ended() {
    let world = world();
    // Nobody answers at this address, so the fetch waits for its first byte.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback");
    let address = silent.local_addr().expect("an address");
    let target = format!("http://{address}/org/repo?timeout=50ms");
    let got = build(Program::Ours, &[], &[&target], &world.env);
    assert_eq!(got.code, Some(1));
    let text =
        format!("hit 50ms timeout running 'git fetch --depth=1 http://{address}/org/repo HEAD'");
    let init = "hit 50ms timeout running 'git";
    assert!(
        got.stderr.contains(&text) || got.stderr.contains(init),
        "{}",
        got.stderr
    );
}

#[test]
fn a_repository_is_fetched_once() {
    // A server of its own, for its log.
    let world = world();
    let server = Server::start(&world.server.root);
    let entry = |path: &str| format!("http://{}/org/repo.git//{path}?ref=master", server.address);
    let top = format!(
        "resources: ['{}', '{}', '{}']\n",
        entry("base"),
        entry("extra"),
        entry("generated")
    );
    let got = build(
        Program::Ours,
        &[("kustomization.yaml", &top)],
        &[],
        &world.env,
    );
    assert_eq!(got.code, Some(0), "{}", got.stderr);
    let listings = server
        .requests()
        .iter()
        .filter(|path| path.as_str() == "/org/repo.git/info/refs")
        .count();
    // Each entry is asked for as a file before; the repository only once.
    assert_eq!(listings, 1);
}
