//! Requests to the router, without a socket.

use axum::{body::to_bytes, http::Request};
use tower::ServiceExt;

use super::*;

const CONTENT: &[u8] = b"0123456789";

struct Site {
    root: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("root");
        let dir = root.path().join("storage/gitrepository/ns/app");
        std::fs::create_dir_all(&dir).expect("directory");
        std::fs::write(dir.join("a.tar.gz"), CONTENT).expect("artifact");
        std::fs::create_dir_all(root.path().join("storage/.git-cache/x")).expect("cache");
        std::fs::write(root.path().join("storage/.git-cache/x/pack"), b"p").expect("pack");
        std::fs::write(root.path().join("secret"), b"s").expect("secret");
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, dir.join(name)).expect("link");
        };
        link("a.tar.gz", "latest.tar.gz");
        link("../../../../secret", "out");
        link("../../../.git-cache/x/pack", "hidden");
        Self { root }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (Parts2, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("request");
        let response = router(self.root.path().join("storage"))
            .oneshot(request)
            .await
            .expect("response");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("body");
        (parts, body.to_vec())
    }
}

type Parts2 = axum::http::response::Parts;

const FILE: &str = "/gitrepository/ns/app/a.tar.gz";

#[tokio::test]
async fn only_regular_files_of_the_storage_are_served() {
    let site = Site::new();
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", FILE, 200),
        ("HEAD", FILE, 200),
        ("GET", "/gitrepository/ns/app/latest.tar.gz", 200),
        ("POST", FILE, 405),
        ("GET", "/gitrepository/ns/app/none.tar.gz", 404),
        ("GET", "/gitrepository/ns/app", 404),
        ("GET", "/gitrepository/ns/app/", 404),
        ("GET", "/gitrepository/ns/app/a.tar.gz/x", 404),
        ("GET", "/gitrepository/ns/app/out", 404),
        ("GET", "/gitrepository/ns/app/hidden", 404),
        ("GET", "/.git-cache/x/pack", 404),
        ("GET", "/%2egit-cache/x/pack", 404),
        ("GET", "/gitrepository/../../secret", 404),
        ("GET", "/%2e%2e/secret", 404),
        ("GET", "/..%2fsecret", 404),
        ("GET", "/%zz", 404),
        ("GET", "//etc/passwd", 404),
    ] {
        let (response, body) = site.ask(method, path, &[]).await;
        assert_eq!(response.status, status, "{method} {path}");
        let whole = method == "GET" && status == 200 && path != "/";
        assert_eq!(body == CONTENT, whole, "{method} {path}");
    }
}

#[tokio::test]
async fn a_head_tells_what_a_get_would_send() {
    let site = Site::new();
    let (head, _) = site.ask("HEAD", FILE, &[]).await;
    let (get, _) = site.ask("GET", FILE, &[]).await;
    assert_eq!(head.headers, get.headers);
    assert_eq!(head.headers[header::CONTENT_LENGTH], "10");
}

/// Headers, status, body.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);

#[tokio::test]
async fn conditions_and_ranges() {
    let site = Site::new();
    let (first, _) = site.ask("GET", FILE, &[]).await;
    let date = first.headers[header::LAST_MODIFIED].to_str().expect("date");
    let old = "Sun, 06 Nov 1994 08:49:37 GMT";
    let cases: [Case<'_>; 8] = [
        (&[("if-modified-since", date)], 304, ""),
        (&[("if-modified-since", old)], 200, "0123456789"),
        (&[("if-modified-since", "nonsense")], 200, "0123456789"),
        (&[("range", "bytes=2-4")], 206, "234"),
        (&[("range", "bytes=-2")], 206, "89"),
        (&[("range", "bytes=99-")], 416, ""),
        (&[("range", "bytes=2-4"), ("if-range", date)], 206, "234"),
        (
            &[("range", "bytes=2-4"), ("if-range", old)],
            200,
            "0123456789",
        ),
    ];
    for (headers, status, expected) in cases {
        let (response, body) = site.ask("GET", FILE, headers).await;
        assert_eq!(response.status, status, "{headers:?}");
        assert_eq!(String::from_utf8_lossy(&body), expected, "{headers:?}");
    }
    let (part, _) = site.ask("GET", FILE, &[("range", "bytes=2-4")]).await;
    assert_eq!(part.headers[header::CONTENT_RANGE], "bytes 2-4/10");
    assert_eq!(part.headers[header::CONTENT_LENGTH], "3");
}
