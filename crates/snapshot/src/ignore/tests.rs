use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// What go-git answers, line by line of its pattern code. A path with a trailing `/` is a
/// directory.
#[test]
fn semantics_of_go_git() {
    for (patterns, ignored, kept) in [
        // Names are tried on every component, and cover what is beneath.
        (
            "foo",
            &["foo", "a/foo", "foo/b", "a/foo/b/c"][..],
            &["food", "a/f"][..],
        ),
        ("foo/", &["foo/", "foo/b", "a/foo/b"], &["foo", "a/foo"]),
        ("*.jpg", &["x.jpg", "a/x.jpg", "x.jpg/y"], &["x.jpg2"]),
        // A slash anchors.
        ("/foo", &["foo", "foo/bar"], &["a/foo"]),
        ("a/b", &["a/b", "a/b/c"], &["x/a/b", "a/c"]),
        ("a/b/", &["a/b/", "a/b/c"], &["a/b"]),
        ("a//b", &["a/b"], &["b"]),
        // Any depth.
        ("**/foo", &["foo", "a/foo", "a/b/foo/c"], &["fo"]),
        (
            "a/**/b",
            &["a/b", "a/x/b", "a/x/y/b/c"],
            &["a", "a/x", "x/a/b"],
        ),
        ("a/**", &["a", "a/b", "a/b/c"], &["b"]),
        ("/**", &[], &["a", "a/b"]),
        ("**", &["a", "a/b"], &[]),
        ("a/**b", &[], &["a/b", "a/xb"]),
        ("a/b**/c", &[], &["a/b/c"]),
        ("**/a/b", &["x/a/b"], &["x/a/y/a/b"]),
        ("a/**//b", &["a/b"], &["a/x/b"]),
        // The last match wins, and an ignored directory is not pruned.
        (
            "/*\n!/deploy",
            &["docs", "docs/x"],
            &["deploy/", "deploy/a/b.yaml"],
        ),
        ("!a\na", &["a"], &[]),
        (
            "foo\n!foo/keep",
            &["foo/", "foo/x"],
            &["foo/keep", "foo/keep/y"],
        ),
        // Lines.
        ("# c\n\n  \n#d\nfoo  ", &["foo"], &["# c", "#d"]),
        (" foo", &[" foo"], &["foo"]),
        ("foo\\ ", &["foo "], &["foo"]),
        ("foo\r\nbar\r\n", &["foo", "bar"], &["baz"]),
        ("\\#foo\n\\!bar", &["#foo", "!bar"], &["foo", "bar"]),
        ("f[!a]o", &["fao", "f!o"], &["fbo"]),
        ("f[o", &[], &["f[o", "fo"]),
        ("/", &[], &["a", "a/"]),
    ] {
        let matcher = Matcher::builder()
            .without_built_in()
            .spec_ignore(Some(patterns))
            .build();
        for (paths, expected) in [(ignored, true), (kept, false)] {
            for path in paths {
                let dir = path.strip_suffix('/');
                let found = matcher.is_ignored(dir.unwrap_or(path), dir.is_some());
                assert_eq!(found, expected, "{patterns:?} on {path:?}");
            }
        }
    }
}

#[test]
fn built_in_sets() {
    let none = Matcher::builder().build();
    let custom = Matcher::builder()
        .spec_ignore(Some("# nothing\nfoo"))
        .build();
    let blank = Matcher::builder()
        .add_file("", "# nothing\n \n")
        .spec_ignore(Some(""))
        .build();
    let bucket = Matcher::builder().without_built_in().build();
    for (path, is_dir, expected) in [
        (".git", true, [true, true, true, false]),
        (".git/config", false, [true, true, true, false]),
        ("sub/.gitignore", false, [true, true, true, false]),
        ("logo.png", false, [true, false, true, false]),
        ("a/chart.tar.gz", false, [true, false, true, false]),
        (
            ".github/workflows/ci.yaml",
            false,
            [true, false, true, false],
        ),
        (".github", false, [false, false, false, false]),
        ("a/b/.sops.yaml", false, [true, false, true, false]),
        (FILE_NAME, false, [false, false, false, false]),
        ("", true, [false, false, false, false]),
        ("foo", false, [false, true, false, false]),
    ] {
        let found = [&none, &custom, &blank, &bucket].map(|m| m.is_ignored(path, is_dir));
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn files_apply_below_their_directory_and_deeper_ones_win() {
    let matcher = Matcher::builder()
        .add_file("a/b", "!*.md\n/local")
        .add_file("", "*.md\nspec")
        .add_file("a", "b\n/x/y")
        .add_file("c/.git/hooks", "*")
        .spec_ignore(Some("!spec\n/last.md"))
        .build();
    for (path, expected) in [
        ("README.md", true),
        ("a/README.md", true),
        ("a/b/README.md", false),
        ("a/b", true),
        ("a/b/c.yaml", true),
        ("a/b/local", true),
        ("a/b/d/local", true),
        ("b", false),
        ("a/x/y", true),
        ("x/y", false),
        ("spec", false),
        ("last.md", true),
        ("c/.git/x", true),
        ("c/hooks", false),
    ] {
        assert_eq!(matcher.is_ignored(path, false), expected, "{path}");
    }
}

#[test]
fn a_line_too_long_for_go_ends_the_file() {
    let text = format!("one\n{}\ntwo", "x".repeat(MAX_LINE));
    let matcher = Matcher::builder().spec_ignore(Some(&text)).build();
    assert_eq!(
        ["one", "two"].map(|path| matcher.is_ignored(path, false)),
        [true, false]
    );
}

/// Where go-git and Git agree, Git is the judge: no pattern re-includes below an ignored directory,
/// and no class is malformed.
#[test]
fn agrees_with_git() {
    const FILES: [(&str, &str); 2] = [
        (
            "",
            "*.log\n/build\ndocs/*.txt\n!keep.log\n**/cache/\na/**/z\n\\#x\n[ab]?.c\n",
        ),
        ("sub", "/only\n!loud.log\n*.tmp\n"),
    ];
    const PATHS: [&str; 20] = [
        "x.log",
        "keep.log",
        "sub/x.log",
        "sub/loud.log",
        "build",
        "sub/build",
        "docs/a.txt",
        "docs/b/a.txt",
        "sub/docs/a.txt",
        "cache/file",
        "sub/cache/file",
        "sub/only",
        "sub/deep/only",
        "only",
        "t.tmp",
        "sub/t.tmp",
        "a/z",
        "a/b/c/z",
        "#x",
        "a1.c",
    ];
    let dir = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command
            .current_dir(dir.path())
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.output().unwrap()
    };
    assert!(git(&["init", "-q"]).status.success());
    let mut builder = Matcher::builder().without_built_in();
    for (at, text) in FILES {
        fs::create_dir_all(dir.path().join(at)).unwrap();
        fs::write(dir.path().join(at).join(".gitignore"), text).unwrap();
        builder = builder.add_file(at, text);
    }
    for path in PATHS {
        let file = dir.path().join(path);
        fs::create_dir_all(file.parent().unwrap_or(Path::new("."))).unwrap();
        fs::write(file, "").unwrap();
    }
    let mut args = vec!["check-ignore", "--"];
    args.extend(PATHS);
    let said = String::from_utf8(git(&args).stdout).unwrap();
    // Git quotes nothing here; it prints the ignored ones in the order asked.
    let matcher = builder.build();
    let ours: Vec<_> = PATHS
        .into_iter()
        .filter(|path| matcher.is_ignored(path, false))
        .collect();
    assert_eq!(ours, said.lines().collect::<Vec<_>>());
}
