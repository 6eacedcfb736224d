//! Fetches from OpenSSH's `sshd`, one process per connection.

use std::{
    fs,
    net::TcpListener,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use git::{Credentials, FetchOptions, Fetched, Kind, Reference, Remote, Secret, Settings};

use crate::{cache, fetch, listing, repository::Repository, server::Proxy as TestProxy, settings};

const SSHD: &str = "/usr/sbin/sshd";

struct Sshd {
    dir: tempfile::TempDir,
    port: u16,
    user: String,
}

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .output()
        .expect("program runs");
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Every key form that a Secret may hold: file, kind, format, passphrase.
const KEYS: [(&str, &str, &str, &str); 8] = [
    ("ed25519", "ed25519", "RFC4716", ""),
    ("rsa", "rsa", "PEM", ""),
    ("ecdsa", "ecdsa", "PEM", ""),
    ("rsa_pkcs8", "rsa", "PKCS8", ""),
    ("ecdsa_pkcs8", "ecdsa", "PKCS8", ""),
    ("locked", "ed25519", "RFC4716", "s3cret"),
    ("locked_pem", "rsa", "PEM", "s3cret"),
    ("locked_pkcs8", "rsa", "PKCS8", "s3cret"),
];

fn keygen(path: &Path, kind: &str, format: &str, passphrase: &str) {
    let path = path.to_string_lossy();
    run(
        "ssh-keygen",
        &[
            "-q", "-t", kind, "-m", format, "-N", passphrase, "-f", &path,
        ],
    );
}

/// Makes the keys once for all tests, which takes a while.
fn keys() -> &'static Path {
    static KEYS_DIR: OnceLock<PathBuf> = OnceLock::new();
    KEYS_DIR.get_or_init(|| {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("temp dir")
            .keep();
        for kind in ["ed25519", "rsa", "ecdsa"] {
            keygen(&dir.join(format!("host_{kind}")), kind, "RFC4716", "");
        }
        let mut authorized = String::new();
        for (name, kind, format, passphrase) in KEYS {
            let path = dir.join(format!("user_{name}"));
            keygen(&path, kind, format, passphrase);
            authorized += &fs::read_to_string(path.with_extension("pub")).expect("key");
        }
        keygen(&dir.join("user_stranger"), "ed25519", "RFC4716", "");
        fs::write(dir.join("authorized_keys"), authorized).expect("write");
        dir
    })
}

impl Sshd {
    fn start(options: &str) -> Self {
        assert!(
            Path::new(SSHD).exists(),
            "these tests need OpenSSH's server at {SSHD}"
        );
        let dir = tempfile::tempdir().expect("temp dir");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("root")).expect("dir");
        fs::create_dir_all("/run/sshd").expect("privilege separation directory");
        let keys = keys();
        let path = keys.display();
        let config = format!(
            "HostKey {path}/host_ed25519\nHostKey {path}/host_rsa\nHostKey {path}/host_ecdsa\n\
             AuthorizedKeysFile {path}/authorized_keys\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n{options}\n"
        );
        fs::write(at("sshd_config"), config).expect("write");
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("address").port();
        let config = at("sshd_config");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let input: OwnedFd = stream.try_clone().expect("clone").into();
                let output: OwnedFd = stream.into();
                let mut child = Command::new(SSHD)
                    .args(["-i", "-e", "-f"])
                    .arg(&config)
                    .stdin(input)
                    .stdout(output)
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("sshd starts");
                thread::spawn(move || child.wait());
            }
        });
        Self {
            dir,
            port,
            user: run("id", &["-un"]),
        }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn read(name: &str) -> String {
        fs::read_to_string(keys().join(name)).expect(name)
    }

    fn url(&self, name: &str) -> String {
        format!(
            "ssh://{}@127.0.0.1:{}{}/{name}",
            self.user,
            self.port,
            self.root().display()
        )
    }

    /// A `known_hosts` line for one of the host keys.
    fn known(&self, kind: &str) -> String {
        format!(
            "[127.0.0.1]:{} {}",
            self.port,
            Self::read(&format!("host_{kind}.pub"))
        )
    }

    fn settings(key: &str, password: Option<&str>, known_hosts: String) -> Settings {
        Settings {
            credentials: Credentials::SshKey {
                identity: Secret::new(Self::read(&format!("user_{key}"))),
                password: password.map(Secret::from),
                known_hosts,
            },
            ..settings()
        }
    }
}

#[tokio::test]
async fn keys_and_known_hosts_of_every_kind() {
    let sshd = Sshd::start("");
    let repository = Repository::new(&sshd.root(), "it's app.git");
    repository.change("a/b", "1\n");
    let url = sshd.url("it's%20app.git");
    let hashed = {
        let file = sshd.dir.path().join("known_hosts");
        fs::write(&file, sshd.known("ed25519")).expect("write");
        run("ssh-keygen", &["-q", "-H", "-f", &file.to_string_lossy()]);
        fs::read_to_string(file).expect("read")
    };
    assert!(hashed.starts_with("|1|"), "{hashed}");
    let known = || sshd.known("ed25519");
    let rows = KEYS.map(|(key, _, _, passphrase)| {
        (
            key,
            Some(passphrase).filter(|passphrase| !passphrase.is_empty()),
            known(),
        )
    });
    for (key, password, known_hosts) in rows.into_iter().chain([
        ("ed25519", None, sshd.known("rsa")),
        ("ed25519", None, sshd.known("ecdsa")),
        ("ed25519", None, hashed),
        ("ed25519", None, sshd.known("ed25519") + &sshd.known("rsa")),
    ]) {
        let remote = Remote::new(&url, Sshd::settings(key, password, known_hosts)).expect(key);
        let (_dir, cache) = cache();
        let (contents, traffic) = fetch(&cache, &remote, &Reference::branch("main")).await;
        assert_eq!(listing(&contents), repository.tree("HEAD"), "{key}");
        assert_eq!(traffic.requests, 1, "one command lists and answers");
    }
}

#[tokio::test]
async fn polls_increments_and_pins() {
    let sshd = Sshd::start("");
    let repository = Repository::new(&sshd.root(), "app.git");
    for n in 0..50 {
        repository.write(&format!("dir-{n}/file"), &format!("{n}\n").repeat(50));
    }
    let first = repository.commit("first");
    let settings = Sshd::settings("ed25519", None, sshd.known("ed25519"));
    let remote = Remote::new(&sshd.url("app.git"), settings).expect("remote");
    let (_dir, cache) = cache();
    let (_, clone) = fetch(&cache, &remote, &Reference::branch("main")).await;
    let options = FetchOptions {
        last: Some(format!("main@sha1:{first}")),
        ..FetchOptions::default()
    };
    let poll = cache
        .fetch(&remote, &Reference::branch("main"), &options)
        .await
        .expect("poll");
    assert!(matches!(poll, Fetched::Unchanged { .. }));
    let second = repository.change("dir-7/file", "changed\n");
    let (contents, increment) = fetch(&cache, &remote, &Reference::branch("main")).await;
    assert_eq!(listing(&contents), repository.tree(&second));
    assert!(
        increment.received * 3 < clone.received,
        "{increment:?} {clone:?}"
    );
    drop(contents);
    // No reference points to the first commit any more, and sshd passes no protocol version on.
    let (_dir, fresh) = crate::cache();
    let (contents, _) = fetch(&fresh, &remote, &Reference::commit(&first)).await;
    assert_eq!(listing(&contents), repository.tree(&first));
}

#[tokio::test]
async fn refusals_have_kinds() {
    let sshd = Sshd::start("");
    let repository = Repository::new(&sshd.root(), "app.git");
    repository.change("a", "1\n");
    let known = || sshd.known("ed25519");
    let wrong = format!(
        "[127.0.0.1]:{} {}",
        sshd.port,
        Sshd::read("user_stranger.pub")
    );
    let app = sshd.url("app.git");
    let gone = sshd.url("gone.git");
    for (url, key, known_hosts, kind, message) in [
        (
            &app,
            "ed25519",
            wrong,
            Kind::HostKey,
            "ssh: handshake failed: knownhosts: key mismatch",
        ),
        (
            &app,
            "ed25519",
            String::new(),
            Kind::HostKey,
            "ssh: handshake failed: knownhosts: key is unknown",
        ),
        (
            &app,
            "stranger",
            known(),
            Kind::Unauthorized,
            "authentication required",
        ),
        (
            &gone,
            "ed25519",
            known(),
            Kind::NotFound,
            "repository not found",
        ),
    ] {
        let remote = Remote::new(url, Sshd::settings(key, None, known_hosts)).expect("remote");
        let (_dir, cache) = cache();
        let error = cache
            .fetch(
                &remote,
                &Reference::branch("main"),
                &FetchOptions::default(),
            )
            .await
            .expect_err(message);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[tokio::test]
async fn algorithms_can_be_chosen() {
    let sshd = Sshd::start("KexAlgorithms ecdh-sha2-nistp256,diffie-hellman-group14-sha256");
    let repository = Repository::new(&sshd.root(), "app.git");
    repository.change("a", "1\n");
    let all = || sshd.known("ed25519") + &sshd.known("rsa");
    for (kex, host_keys, good) in [
        ("", "", true),
        ("ecdh-sha2-nistp256", "", true),
        ("diffie-hellman-group14-sha256", "rsa-sha2-256", true),
        ("diffie-hellman-group14-sha256", "rsa-sha2-512", true),
        ("", "ssh-ed25519", true),
        ("curve25519-sha256", "", false),
        ("", "ecdsa-sha2-nistp384", false),
    ] {
        let list = |text: &str| {
            text.split(',')
                .filter(|name| !name.is_empty())
                .map(Into::into)
                .collect()
        };
        let settings = Settings {
            ssh_kex: list(kex),
            ssh_host_keys: list(host_keys),
            ..Sshd::settings("ed25519", None, all())
        };
        let remote = Remote::new(&sshd.url("app.git"), settings).expect("remote");
        let (_dir, cache) = cache();
        let got = cache
            .fetch(
                &remote,
                &Reference::branch("main"),
                &FetchOptions::default(),
            )
            .await;
        match got {
            Ok(_) => assert!(good, "{kex} {host_keys}"),
            Err(error) => {
                assert!(!good, "{kex} {host_keys} {error}");
                assert!(
                    error.to_string().contains("ssh: no common algorithm for"),
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_is_gone_through() {
    let sshd = Sshd::start("");
    let repository = Repository::new(&sshd.root(), "app.git");
    repository.change("a", "1\n");
    let through = |address: &str, password: &str| Settings {
        proxy: Some(git::Proxy {
            address: address.to_owned(),
            username: Some("me".to_owned()),
            password: Some(Secret::new(password)),
        }),
        ..Sshd::settings("ed25519", None, sshd.known("ed25519"))
    };
    let target = format!("127.0.0.1:{}", sshd.port);
    for (proxy, line, credentials) in [
        (
            TestProxy::start(),
            format!("CONNECT {target} HTTP/1.1"),
            "Basic bWU6czNjcmV0",
        ),
        (TestProxy::socks(), target.clone(), "me:s3cret"),
    ] {
        let settings = through(&proxy.address, "s3cret");
        let remote = Remote::new(&sshd.url("app.git"), settings).expect("remote");
        let (_dir, cache) = cache();
        let (contents, _) = fetch(&cache, &remote, &Reference::branch("main")).await;
        assert_eq!(listing(&contents), repository.tree("HEAD"));
        assert_eq!(proxy.seen(), [(line, Some(credentials.to_owned()))]);
    }
    let refusing = TestProxy::socks();
    let remote = Remote::new(&sshd.url("app.git"), through(&refusing.address, "hunter2"));
    let (_dir, cache) = cache();
    let error = cache
        .fetch(
            &remote.expect("remote"),
            &Reference::branch("main"),
            &FetchOptions::default(),
        )
        .await
        .expect_err("refused");
    assert_eq!(error.kind(), Kind::Connect);
    assert!(
        error.to_string().ends_with("proxy: authentication failed"),
        "{error}"
    );
}

#[tokio::test]
async fn a_silent_server_meets_the_deadline() {
    let sshd = Sshd::start("");
    // It accepts and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("ssh://{}/app.git", silent.local_addr().expect("address"));
    let settings = Settings {
        timeout: Duration::from_millis(300),
        ..Sshd::settings("ed25519", None, sshd.known("ed25519"))
    };
    let (_dir, cache) = cache();
    let error = cache
        .fetch(
            &Remote::new(&url, settings).expect("remote"),
            &Reference::branch("main"),
            &FetchOptions::default(),
        )
        .await
        .expect_err("deadline");
    assert_eq!(error.kind(), Kind::Timeout);
}

#[test]
fn bad_keys_are_settings() {
    let sshd = Sshd::start("");
    let known = || sshd.known("ed25519");
    let broken = Settings {
        credentials: Credentials::SshKey {
            identity: Secret::new("garbage"),
            password: None,
            known_hosts: known(),
        },
        ..settings()
    };
    for (key, encrypted) in [
        ("locked", true),
        ("locked_pem", true),
        ("locked_pkcs8", true),
    ]
    .into_iter()
    .chain([("ed25519", false), ("rsa", false), ("ecdsa_pkcs8", false)])
    {
        assert_eq!(
            git::ssh_key_is_encrypted(&Sshd::read(&format!("user_{key}"))),
            encrypted
        );
    }
    let cases = [
        (
            Sshd::settings("locked", None, known()),
            "passphrase protected",
        ),
        (
            Sshd::settings("locked_pem", None, known()),
            "passphrase protected",
        ),
        (
            Sshd::settings("locked_pkcs8", None, known()),
            "passphrase protected",
        ),
        (
            Sshd::settings("locked", Some("hunter2"), known()),
            "cannot be read",
        ),
        (
            Sshd::settings("ed25519", None, "garbage".to_owned()),
            "knownhosts: ",
        ),
        (broken, "cannot be read"),
        (settings(), "'identity' is required"),
    ];
    for (settings, message) in cases {
        let error = Remote::new(&sshd.url("app.git"), settings).expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
