//! Builds with remote entries, from a real Git server on the loopback.

use kustomize::{Built, Failure, Options, ParseCache, flux};
use testkit::git_server::{Change, GitServer};

use super::*;

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n";

struct Forge {
    server: GitServer,
    commit: String,
}

async fn forge() -> Forge {
    let server = GitServer::start().await.unwrap();
    let repository = server.create("org/base").unwrap();
    let files = [
        Change::write("kustomization.yaml", "resources: [cm.yaml]\n"),
        Change::write("cm.yaml", CONFIG_MAP),
        Change::write(
            "over/kustomization.yaml",
            "resources: [../two]\nnamePrefix: over-\n",
        ),
        Change::write("two/kustomization.yaml", "resources: [cm.yaml]\n"),
        Change::write("two/cm.yaml", CONFIG_MAP),
        Change::write("out/kustomization.yaml", "resources: [../../x]\n"),
    ];
    let commit = repository.commit("main", "one", &files).unwrap();
    repository.tag("v1", "main", None).unwrap();
    repository.tag("v2", "main", Some("annotated")).unwrap();
    Forge { server, commit }
}

/// Builds a kustomization with this entry as Flux does.
async fn build(entry: String, bases: bool) -> Result<Built, Failure> {
    let network = Network::new(reqwest::Client::new(), bases);
    let session = network.session();
    tokio::task::spawn_blocking(move || {
        let mut tree = MemoryTree::default();
        tree.insert("kustomization.yaml", format!("resources: ['{entry}']\n"));
        let options = Options {
            remote: Some(&session),
            ..Options::default()
        };
        flux::build(
            &tree,
            "",
            &flux::Spec::default(),
            &options,
            &ParseCache::default(),
        )
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bases_are_fetched_at_what_they_name() {
    let forge = forge().await;
    let base = forge.server.url("org/base");
    for (suffix, name) in [
        ("", "one"),
        ("?ref=main", "one"),
        ("?ref=v1", "one"),
        ("?ref=v2", "one"),
        ("?ref=refs/heads/main", "one"),
        (&format!("?ref={}", forge.commit), "one"),
        ("//over?ref=main", "over-one"),
        ("//two", "one"),
    ] {
        let built = build(format!("{base}{suffix}"), true)
            .await
            .unwrap_or_else(|failure| panic!("{suffix}: {failure}"));
        let names: Vec<&str> = built
            .resources
            .iter()
            .map(kustomize::Resource::name)
            .collect();
        assert_eq!(names, [name], "{suffix}");
        assert!(built.read_set.is_uncacheable(), "{suffix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_is_named() {
    let forge = forge().await;
    let base = forge.server.url("org/base");
    let none = forge.server.url("org/none");
    let host = base
        .trim_end_matches("org/base.git")
        .trim_end_matches("org/base");
    for (entry, bases, text) in [
        (format!("{base}?ref=nowhere"), true, "nowhere"),
        (format!("{base}//out"), true, "must be within the repo"),
        (format!("{none}//x"), true, "repository not found"),
        (
            "git@host.invalid:org/base".to_owned(),
            true,
            "is not at an http or https URL",
        ),
        (
            "file:///srv/base".to_owned(),
            true,
            "is not at an http or https URL",
        ),
        (base.clone(), false, "fs-security-constraint clone"),
        (
            format!("{host}none.yaml"),
            false,
            "status code 404 (Not Found)",
        ),
    ] {
        let failure = build(entry.clone(), bases).await.unwrap_err();
        assert!(failure.to_string().contains(text), "{entry}: {failure}");
        assert!(failure.read_set.is_uncacheable(), "{entry}");
    }
}
