use std::fs;
use std::io::Cursor;

use super::*;
use crate::digest::Digest;

#[test]
fn archives_of_gnu_tar_are_read_in_each_of_its_formats() {
    let fixture = Fixture::new();
    let root = fixture.dir.path().join("files");
    let files = awkward();
    for (path, content) in &files {
        let at = root.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match content {
            None => fs::create_dir_all(at).unwrap(),
            Some(content) => {
                fs::write(&at, content).unwrap();
                if content.starts_with('+') {
                    run(Command::new("chmod").arg("755").arg(&at), b"");
                }
            }
        }
    }
    std::os::unix::fs::symlink("/etc/passwd", root.join("a/link-with-a-name")).unwrap();
    let expected = content(&fixture.extract(&plain(&files)).unwrap());
    for format in ["gnu", "pax", "posix"] {
        let mut tar = Command::new("tar");
        tar.current_dir(&root)
            .args(["-cz", &format!("--format={format}"), "-f", "-", "."]);
        let mut child = tar.stdout(Stdio::piped()).spawn().unwrap();
        let mut archive = Vec::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut archive)
            .unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(
            content(&fixture.extract(&archive).unwrap()),
            expected,
            "{format}"
        );
    }
}

#[test]
fn entries_that_are_no_files_or_directories() {
    let fixture = Fixture::new();
    let good = entry(&[], "good", b'0', b"content");
    for (name, flag, error) in [
        ("link", b'2', ""),
        ("pax_global_header", b'g', ""),
        ("dir/", b'5', ""),
        ("old-dir/", 0, ""),
        ("contiguous", b'7', ""),
        (
            "hard",
            b'1',
            "tar file entry hard contained unsupported file type -rw-r--r--",
        ),
        (
            "char",
            b'3',
            "tar file entry char contained unsupported file type Dcrw-r--r--",
        ),
        (
            "block",
            b'4',
            "tar file entry block contained unsupported file type Drw-r--r--",
        ),
        (
            "fifo",
            b'6',
            "tar file entry fifo contained unsupported file type prw-r--r--",
        ),
        (
            "sparse",
            b'S',
            "tar file entry sparse contained unsupported file type -rw-r--r--",
        ),
        ("../up", b'0', "tar contained invalid name error \"../up\""),
        ("/abs", b'0', "tar contained invalid name error \"/abs\""),
        (
            "back\\slash",
            b'0',
            "tar contained invalid name error \"back\\\\slash\"",
        ),
        (
            "../link",
            b'2',
            "tar contained invalid name error \"../link\"",
        ),
        ("", b'0', "tar contained invalid name error \"\""),
        (".", b'0', "'.' is a directory and cannot be a file"),
        ("good/x", b'0', "'good' is a file and cannot be a directory"),
        ("good", b'5', "'good' is a file and cannot be a directory"),
    ] {
        let result = fixture.extract_tar(&entry(&good, name, flag, b""));
        let text = result.map_or_else(|error| error.to_string(), |_| String::new());
        assert_eq!(text, error, "{name}");
    }
}

#[test]
fn names_are_cleaned_and_the_last_file_wins() {
    let fixture = Fixture::new();
    let mut tar = entry(&[], "./a//b", b'0', b"first");
    tar = entry(&tar, "a/./b", b'0', b"second");
    tar = entry(&tar, "././@LongLink", b'L', b"c/long\0junk");
    tar = entry(&tar, "short", b'0', b"gnu");
    tar = entry(&tar, "pax", b'x', b"12 path=e/f\n");
    tar = entry(&tar, "short", b'0', b"pax");
    tar = entry(&tar, "global", b'g', b"12 path=nop\n");
    tar = entry(&tar, "g", b'0', b"plain");
    let found = content(&fixture.extract_tar(&tar).unwrap());
    let expected = files(&[
        ("a", None),
        ("a/b", Some("second")),
        ("c", None),
        ("c/long", Some("gnu")),
        ("e", None),
        ("e/f", Some("pax")),
        ("g", Some("plain")),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn the_prefix_counts_whatever_version_of_ustar() {
    let fixture = Fixture::new();
    let mut header = tar::Header::new_ustar();
    header.set_path(format!("{}/b", "a".repeat(120))).unwrap();
    header.set_mode(0o600);
    header.set_size(0);
    let ustar = header.as_ustar_mut().unwrap();
    ustar.version = *b"  ";
    header.set_cksum();
    let snapshot = fixture.extract_tar(header.as_bytes()).unwrap();
    let paths: Vec<_> = snapshot.tree().walk().map(|(path, _)| path).collect();
    assert_eq!(paths, ["a".repeat(120), format!("{}/b", "a".repeat(120))]);
}

#[test]
fn names_have_to_be_text() {
    let fixture = Fixture::new();
    let mut tar = entry(&[], "././@LongLink", b'L', b"caf\xe9\0");
    tar = entry(&tar, "short", b'0', b"");
    let error = fixture.extract_tar(&tar).unwrap_err();
    assert_eq!(error.to_string(), r"name 'caf\xe9' is not valid UTF-8");
}

#[test]
fn each_limit_is_named() {
    let fixture = Fixture::new();
    let bomb = gzip(&entry(&[], "zeros", b'0', &vec![0; 1 << 20]));
    let small = plain(&files(&[("a", Some("0123456789")), ("b", Some("x"))]));
    let deep = gzip(&entry(
        &entry(&[], &"a/".repeat(40), b'5', b""),
        "b",
        b'5',
        b"",
    ));
    let limits = Limits::default();
    for (archive, limits, error) in [
        (
            &deep,
            Limits {
                entries: 39,
                ..limits
            },
            "tar has more than 39 entries",
        ),
        (
            &deep,
            Limits {
                entries: 40,
                ..limits
            },
            "",
        ),
        (&small, limits, ""),
        (
            &small,
            Limits {
                entries: 2,
                ..limits
            },
            "tar has more than 2 entries",
        ),
        (
            &small,
            Limits {
                file_bytes: 9,
                ..limits
            },
            "tar has a file of more than 9 bytes",
        ),
        (
            &small,
            Limits {
                total_bytes: 2000,
                ..limits
            },
            "tar has more than 2000 bytes unpacked",
        ),
        (&bomb, limits, ""),
        (
            &bomb,
            Limits {
                ratio: 100,
                ratio_from: 1 << 19,
                ..limits
            },
            "tar has a compression ratio above 100",
        ),
        (
            &bomb,
            Limits {
                ratio: 2000,
                ratio_from: 0,
                ..limits
            },
            "",
        ),
    ] {
        let result = extract(&**archive, &limits, &fixture.store);
        let text = result.map_or_else(|error| error.to_string(), |_| String::new());
        assert_eq!(text, error);
    }
}

#[test]
fn a_long_name_is_bounded() {
    let fixture = Fixture::new();
    let name = vec![b'a'; (1 << 20) + 1];
    let error = fixture
        .extract_tar(&entry(&[], "@LongLink", b'L', &name))
        .unwrap_err();
    assert!(matches!(error, ExtractError::Archive(_)), "{error}");
}

#[test]
fn truncated_and_padded_archives() {
    let fixture = Fixture::new();
    let archive = plain(&awkward());
    for cut in [
        0,
        1,
        2,
        9,
        10,
        40,
        archive.len() / 2,
        archive.len() - 9,
        archive.len() - 1,
    ] {
        let error = fixture.extract(&archive[..cut]).unwrap_err();
        let expected = if cut < 2 {
            "requires gzip-compressed body"
        } else {
            "tar error"
        };
        assert_eq!(error.to_string(), expected, "{cut}");
    }
    let stream = gunzip(&archive);
    for cut in [100, 600, 5 * 512 + 3] {
        assert!(fixture.extract_tar(&stream[..cut]).is_err(), "{cut}");
    }
    // Go takes a missing end, and padding after it.
    let expected = content(&fixture.extract(&archive).unwrap());
    let padded = [&stream, &[0; 10240][..]].concat();
    for whole in [&stream[..stream.len() - 1024], &padded] {
        assert_eq!(content(&fixture.extract_tar(whole).unwrap()), expected);
    }
    let garbage = [&archive, &b"garbage"[..]].concat();
    assert_eq!(
        fixture.extract(&garbage).unwrap_err().to_string(),
        "tar error"
    );
    for not_gzip in [&b"plain text"[..], &stream] {
        assert_eq!(
            fixture.extract(not_gzip).unwrap_err().to_string(),
            "requires gzip-compressed body"
        );
    }
}

#[test]
fn the_digest_is_checked_over_all_bytes() {
    let fixture = Fixture::new();
    let (archive, written) = archive(&awkward(), &Matcher::builder().build());
    assert_eq!(written.size, archive.len() as u64);
    let verify = |bytes: &[u8], digest: &Digest| {
        extract_verified(bytes, digest, &Limits::default(), &fixture.store)
    };
    for algorithm in Algorithm::ALL {
        verify(&archive, &algorithm.digest(&archive)).unwrap();
    }
    assert_eq!(written.digest, Algorithm::Sha256.digest(&archive));
    let mut flipped = archive.clone();
    flipped[archive.len() / 2] ^= 1;
    for bad in [
        &flipped[..],
        &archive[..archive.len() - 1],
        b"",
        b"html",
        &[&archive, &b"\0"[..]].concat(),
    ] {
        let error = verify(bad, &written.digest).unwrap_err();
        let expected = format!(
            "computed digest doesn't match provided '{}' (check whether file size exceeds max download size)",
            written.digest
        );
        assert_eq!(error.to_string(), expected);
    }
    let error = verify(b"html", &Algorithm::Sha1.digest(b"html")).unwrap_err();
    assert_eq!(error.to_string(), "requires gzip-compressed body");
    assert_eq!(
        fixture.store.usage().idle_bytes,
        fixture.store.usage().bytes,
        "no snapshot is left"
    );
}

#[test]
fn a_failing_reader_is_told_from_a_bad_archive() {
    struct Failing(Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buf)? {
                0 => Err(std::io::ErrorKind::ConnectionReset.into()),
                n => Ok(n),
            }
        }
    }
    let fixture = Fixture::new();
    let archive = plain(&awkward());
    for at in [0, 1, 30, archive.len() - 4] {
        let reader = || Failing(Cursor::new(archive[..at].to_vec()));
        let limits = Limits::default();
        let digest = Algorithm::Sha256.digest(&archive);
        let plain = extract(reader(), &limits, &fixture.store);
        let verified = extract_verified(reader(), &digest, &limits, &fixture.store);
        for result in [plain, verified] {
            assert!(
                matches!(result, Err(ExtractError::Read(_))),
                "{at}: {result:?}"
            );
        }
    }
}
