use axum::{body::Body, response::IntoResponse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{metrics::HttpMetrics, *};
use crate::metrics::Metrics;

const LIMIT: usize = 10;

/// A server that answers 200 to a body of ten bytes at most.
async fn start(limits: Limits, full_paths: bool) -> (String, Metrics, CancellationToken) {
    let metrics = Metrics::new().unwrap();
    let layer = HttpMetrics::new(&metrics, "test", "/", full_paths).unwrap();
    let bodies = Arc::new(Bodies::new(BodyLimits {
        bytes: LIMIT,
        time: Duration::from_secs(5),
        budget: 1 << 20,
    }));
    let router = Router::new().fallback(async move |request: axum::extract::Request| match bodies
        .read(request.into_body())
        .await
    {
        Ok(body) => body.bytes.len().to_string().into_response(),
        Err(error) => error.status().into_response(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = CancellationToken::new();
    serve(listener, layer.measure(router), limits, stop.clone());
    (address, metrics, stop)
}

const LIMITS: Limits = Limits {
    header_bytes: 16 * 1024,
    header_time: Duration::from_secs(10),
    write_time: Duration::from_secs(30),
    connections: 10,
    grace: Duration::from_secs(5),
};

/// Sends `text` and returns the status line's code and the whole answer.
async fn exchange(address: &str, text: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A refused body may end in a reset, after the answer.
    drop(stream.read_to_end(&mut answer).await);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let code = answer.split(' ').nth(1).unwrap_or_default().to_owned();
    (code, answer)
}

fn post(path: &str, rest: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{rest}")
}

#[tokio::test]
async fn what_a_peer_sends_is_bounded() {
    let (address, metrics, _stop) = start(LIMITS, false).await;
    let long_header = format!("x: {}\r\n\r\n", "y".repeat(20_000));
    let cases = [
        ("content-length: 10\r\n\r\n0123456789", "200"),
        ("content-length: 11\r\n\r\n01234567890", "413"),
        ("content-length: 99999999999\r\n\r\n", "413"),
        (
            "transfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
            "200",
        ),
        (
            "transfer-encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n",
            "413",
        ),
        ("transfer-encoding: chunked\r\n\r\nnonsense\r\n", "400"),
        (&long_header, "431"),
    ];
    for (rest, code) in cases {
        assert_eq!(
            exchange(&address, &post("/a", rest)).await.0,
            code,
            "{rest}"
        );
    }
    let text = metrics.render().unwrap();
    for line in [
        r#"test_http_request_duration_seconds_count{code="200",handler="/",method="POST",service=""} 2"#,
        r#"test_http_request_duration_seconds_count{code="413",handler="/",method="POST",service=""} 3"#,
        r#"test_http_response_size_bytes_bucket{code="200",handler="/",method="POST",service="",le="100"} 2"#,
        r#"test_http_response_size_bytes_bucket{code="200",handler="/",method="POST",service="",le="1000000000"} 2"#,
        r#"test_http_requests_inflight{handler="/",service=""} 0"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn paths_and_methods_make_a_bounded_number_of_series() {
    let (address, metrics, _stop) = start(LIMITS, true).await;
    for (path, method) in [("/a", "POST"), ("/b", "POST"), ("/a", "BREW")] {
        let text = post(path, "content-length: 0\r\n\r\n").replacen("POST", method, 1);
        assert_eq!(exchange(&address, &text).await.0, "200");
    }
    let text = metrics.render().unwrap();
    for (path, method) in [("/a", "POST"), ("/b", "POST"), ("/a", "other")] {
        let line = format!(
            r#"duration_seconds_count{{code="200",handler="{path}",method="{method}",service=""}} 1"#
        );
        assert!(text.contains(&line), "{line}\n{text}");
    }
    let long = format!("/{}", "x".repeat(1000));
    let empty = "content-length: 0\r\n\r\n";
    assert_eq!(exchange(&address, &post(&long, empty)).await.0, "200");
    let text = metrics.render().unwrap();
    assert!(text.contains(r#"handler="other""#) && !text.contains(&long));
    let layer = HttpMetrics::new(&Metrics::new().unwrap(), "test", "/", true).unwrap();
    let router = layer.measure(Router::new());
    for number in 0..1100 {
        let request = axum::http::Request::get(format!("/{number}"))
            .body(Body::empty())
            .unwrap();
        tower::ServiceExt::oneshot(router.clone(), request)
            .await
            .unwrap();
    }
    assert_eq!(layer.series(), 1001);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_and_a_stop_ends_the_idle_ones() {
    let limits = Limits {
        connections: 1,
        ..LIMITS
    };
    let (address, _, stop) = start(limits, false).await;
    let mut first = TcpStream::connect(&address).await.unwrap();
    let request = post("/", "content-length: 0\r\n\r\n");
    let keep = request.replace("connection: close\r\n", "");
    first.write_all(keep.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    first.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");

    let second = tokio::spawn({
        let (address, request) = (address.clone(), request.clone());
        async move { exchange(&address, &request).await.0 }
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    drop(first);
    assert_eq!(second.await.unwrap(), "200");

    let mut idle = TcpStream::connect(&address).await.unwrap();
    idle.write_all(keep.as_bytes()).await.unwrap();
    idle.read_exact(&mut head).await.unwrap();
    stop.cancel();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(TcpStream::connect(&address).await.is_err());
}
