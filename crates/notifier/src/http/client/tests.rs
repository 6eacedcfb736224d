use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket},
};

use super::*;
use crate::http::pool::Pool;

/// Answers connections, one each, from a script; an empty answer hangs up. Gives the base and what came in.
async fn serve(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("address"));
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            // All bodies here end in the same byte.
            while !request.ends_with(b"!") {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).await.expect("a request");
                if read == 0 {
                    break;
                }
                request.extend_from_slice(&chunk[..read]);
            }
            log.lock()
                .expect("lock")
                .push(String::from_utf8_lossy(&request).into_owned());
            // Whoever has read enough hangs up.
            _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (base, received)
}

fn answer(head: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn exchange(address: &str, headers: &[(&str, &str)]) -> Result<Response, String> {
    let http = Pool::default().get(None, None).expect("client");
    let mut request = Request::new(Method::POST, address, "text/plain", b"body!".to_vec());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client = Client::new(http, None);
    client
        .exchange(&request)
        .await
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn failures_read_as_gos() {
    // Held, so that nobody else gets the port, and refusing, because it does not listen.
    let door = TcpSocket::new_v4().expect("a socket");
    door.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let closed = door.local_addr().expect("address");
    let (hangs_up, _) = serve(vec![String::new()]).await;
    let loops = (0..=10).map(|_| answer("307 Temporary Redirect\r\nlocation: /secret", ""));
    let (redirects, _) = serve(loops.collect()).await;
    let rows = [
        (
            format!("http://{closed}/secret"),
            &[][..],
            "dial tcp: connect: connection refused",
        ),
        (
            format!("{hangs_up}/secret?token=secret"),
            &[],
            "connection closed before message completed",
        ),
        (
            format!("{redirects}/secret"),
            &[],
            "stopped after 10 redirects",
        ),
        (
            "ftp://user:secret@example.com/secret".to_owned(),
            &[],
            r#"unsupported protocol scheme "ftp""#,
        ),
        (
            "/secret".to_owned(),
            &[],
            r#"unsupported protocol scheme """#,
        ),
        ("http://".to_owned(), &[], "invalid URL"),
        (
            "http://example.com/secret".to_owned(),
            &[("authorization", "Bearer secret\n")],
            r#"net/http: invalid header field value for "authorization""#,
        ),
        (
            "http://example.com/secret".to_owned(),
            &[("not a name", "x")],
            r#"net/http: invalid header field name "not a name""#,
        ),
    ];
    for (address, headers, cause) in rows {
        let shown = Masked::new(&address);
        let error = exchange(&address, headers).await.expect_err(&address);
        assert_eq!(error, format!(r#"Post "{shown}": {cause}"#), "{address}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_keeps_method_and_body_but_takes_no_credentials_elsewhere() {
    let (elsewhere, there) = serve(vec![answer("200 OK", "fine")]).await;
    let location = format!("307 Temporary Redirect\r\nlocation: {elsewhere}/new");
    let (base, here) = serve(vec![answer(&location, "")]).await;
    let response = exchange(&format!("{base}/old"), &[("authorization", "Bearer x")]).await;
    assert_eq!(response.expect("an answer").text(), "fine");
    let (here, there) = (
        here.lock().expect("lock").concat(),
        there.lock().expect("lock").concat(),
    );
    assert!(
        here.starts_with("POST /old ") && here.contains("authorization: Bearer x"),
        "{here}"
    );
    assert!(
        there.starts_with("POST /new ") && there.ends_with("\r\n\r\nbody!"),
        "{there}"
    );
    assert!(!there.contains("authorization"), "{there}");
    assert!(!there.contains("referer"), "{there}");
}

#[tokio::test]
async fn headers_of_the_protocol_are_not_the_callers() {
    let (base, received) = serve(vec![answer("200 OK", "")]).await;
    let headers = [
        ("Host", "example.com"),
        ("Content-Length", "7"),
        ("X-A", "1"),
        ("x-a", "2"),
    ];
    exchange(&base, &headers).await.expect("an answer");
    let received = received.lock().expect("lock").concat();
    assert!(
        received.contains("content-length: 5") && received.contains("host: 127.0.0.1"),
        "{received}"
    );
    assert!(
        received.contains("x-a: 2") && !received.contains("x-a: 1"),
        "{received}"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_one() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned();
    let (base, _) = serve(vec![cut]).await;
    let response = exchange(&base, &[]).await.expect("an answer");
    assert_eq!(
        (response.status.as_u16(), response.text().as_str()),
        (200, "half")
    );
}

#[tokio::test]
async fn no_answer_fills_the_memory() {
    let (base, _) = serve(vec![answer("400 Bad Request", &"é".repeat(MAX_BODY))]).await;
    let response = exchange(&base, &[]).await.expect("an answer");
    assert_eq!(response.body.len(), MAX_BODY);
    let rejection = response.ok().expect_err("400").to_string();
    assert!(rejection.starts_with("request failed with status code 400: éé"));
    assert!(rejection.len() < 2100, "{}", rejection.len());
}
