use super::*;

#[test]
fn the_tar_stream_is_the_one_of_go() {
    // SHA-256 of what Go 1.26's archive/tar makes of the same files, with the headers that
    // source-controller gives it.
    const GO: &str = "8431959e68eac2ccf5a4c6383fe6ed1ca3bf595069e4d664f462c707e59feb33";
    let stream = gunzip(&plain(&awkward()));
    assert_eq!(Algorithm::Sha256.digest(&stream).hex(), GO);
}

#[test]
fn the_gzip_header_says_nothing() {
    assert_eq!(
        plain(&awkward())[..10],
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]
    );
}

#[test]
fn system_tools_read_the_archive() {
    let archive = plain(&awkward());
    run(Command::new("gzip").arg("-t"), &archive);
    let mut tar = Command::new("tar");
    tar.args([
        "-tvzf",
        "-",
        "--numeric-owner",
        "--utc",
        "--quoting-style=literal",
    ]);
    let listing = run(&mut tar, &archive);
    let listed: Vec<_> = listing
        .lines()
        .map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            format!(
                "{} {} {} {} {}",
                fields[0], fields[1], fields[2], fields[3], fields[5]
            )
        })
        .collect();
    let (d, n, x, e) = (
        "d".repeat(90),
        "n".repeat(120),
        "x".repeat(60),
        "e".repeat(100),
    );
    let dir = |name: &str| format!("drwxr-x--- 0/0 0 1970-01-01 {name}");
    let file = |name: &str, size: u64| format!("-rw------- 0/0 {size} 1970-01-01 {name}");
    let expected = [
        dir("./"),
        file("README.md", 6),
        dir("a/"),
        dir("a/empty/"),
        "-rwx------ 0/0 11 1970-01-01 a/run.sh".to_owned(),
        dir("a-b/"),
        file("a-b/z", 0),
        dir(&format!("{d}/")),
        file(&format!("{d}/{n}"), 8),
        file(&format!("{d}/{x}"), 5),
        file(&e, 9),
        dir("grüße/"),
        file("grüße/☺.yaml", 11),
    ];
    // GNU tar marks a directory with a slash whatever its name in the archive.
    let slashed = |line: &String| {
        if line.starts_with('d') && !line.ends_with('/') {
            format!("{line}/")
        } else {
            line.clone()
        }
    };
    assert_eq!(listed.iter().map(slashed).collect::<Vec<_>>(), expected);
}

#[test]
fn ignored_directories_leave_their_children_and_empty_ones_stay() {
    let files = files(&[
        (".gitignore", Some("x")),
        ("deploy/app/a.yaml", Some("a")),
        ("docs/index.md", Some("d")),
        ("docs/keep/k.md", Some("k")),
        ("images/logo.png", Some("p")),
        ("links/only", Some("-> target")),
    ]);
    for (ignore, expected) in [
        (
            None,
            &[
                "deploy",
                "deploy/app",
                "deploy/app/a.yaml",
                "docs",
                "docs/index.md",
                "docs/keep",
                "docs/keep/k.md",
                "images",
                "links",
            ][..],
        ),
        // `/docs` takes the directory's own header away as well, and its subdirectory's.
        (
            Some("/docs\n!k.md"),
            &[
                "deploy",
                "deploy/app",
                "deploy/app/a.yaml",
                "docs/keep/k.md",
                "images",
                "images/logo.png",
                "links",
            ],
        ),
        (
            Some("/*\n!/deploy"),
            &["deploy", "deploy/app", "deploy/app/a.yaml"],
        ),
    ] {
        let matcher = Matcher::builder().spec_ignore(ignore).build();
        let (archive, _) = archive(&files, &matcher);
        let stream = gunzip(&archive);
        let mut tar = tar::Archive::new(&*stream);
        let names = tar
            .entries()
            .unwrap()
            .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap());
        let expected: Vec<_> = ["."]
            .iter()
            .chain(expected)
            .copied()
            .map(str::to_owned)
            .collect();
        assert_eq!(names.collect::<Vec<_>>(), expected, "{ignore:?}");
    }
}

#[test]
fn members_that_are_no_tree_are_refused() {
    let file = |path: &str, size| Member {
        path: path.to_owned(),
        kind: MemberKind::File {
            executable: false,
            size,
            content: (),
        },
    };
    let dir = |path: &str| Member {
        path: path.to_owned(),
        kind: MemberKind::Dir,
    };
    let write = |members: Vec<Member<()>>| {
        let copy = |(): &(), sink: &mut dyn Write| sink.write_all(b"x");
        write(
            std::io::sink(),
            Algorithm::Sha256,
            members,
            |_, _| false,
            copy,
        )
        .map_or_else(|error| error.to_string(), |_| String::new())
    };
    for (members, error) in [
        (vec![file("a", 1), file("b", 1), dir("c"), dir("c")], ""),
        (vec![file("a", 1), file("a", 1)], "'a' is no path of a tree"),
        (
            vec![file("a", 1), file("a/b", 1)],
            "'a/b' is no path of a tree",
        ),
        (vec![dir("a"), file("a", 1)], "'a' is no path of a tree"),
        (vec![file("a", 1), dir("a")], "'a' is no path of a tree"),
        (vec![file("../a", 1)], "'../a' is no path of a tree"),
        (vec![file("", 1)], "'' is no path of a tree"),
        (vec![file("a", 2)], "'a' has 1 bytes instead of 2"),
        (
            vec![file("a", 1 << 33)],
            "'a' has 8589934592 bytes, more than an archive takes",
        ),
    ] {
        assert_eq!(write(members.clone()), error, "{members:?}");
    }
}
