use std::{cell::RefCell, collections::VecDeque};

use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use tokio::time::Instant;

use super::*;
use crate::http::failure::Cause;

/// A name, what the attempts meet, the seconds at which they begin, the end.
type Row = (
    &'static str,
    Vec<Meets>,
    Vec<u64>,
    Result<u16, &'static str>,
);

/// What one attempt meets.
enum Meets {
    Status(u16),
    Asked(u16, &'static str),
    Broken(Cause),
}
use Meets::{Asked, Broken, Status};

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().expect("time")
}

/// Runs against a script and gives the seconds at which attempts began, and the end.
async fn run_script(script: impl IntoIterator<Item = Meets>) -> (Vec<u64>, Result<u16, String>) {
    let began = Instant::now();
    let at = RefCell::new(Vec::new());
    let script = RefCell::new(script.into_iter().collect::<VecDeque<_>>());
    let outcome = run(now, || {
        at.borrow_mut().push(began.elapsed().as_secs());
        let meets = script
            .borrow_mut()
            .pop_front()
            .expect("no attempt beyond the script");
        async move {
            let answer = |status, asked: Option<&'static str>| {
                let mut headers = HeaderMap::new();
                headers.extend(asked.map(|asked| (RETRY_AFTER, HeaderValue::from_static(asked))));
                let status = StatusCode::from_u16(status).expect("status");
                Ok(Response {
                    status,
                    headers,
                    body: Vec::new(),
                })
            };
            match meets {
                Status(status) => answer(status, None),
                Asked(status, asked) => answer(status, Some(asked)),
                Broken(cause) => Err(Failure::exchange(&Method::POST, "http://h/x", cause)),
            }
        }
    })
    .await;
    let outcome = outcome
        .map(|response| response.status.as_u16())
        .map_err(|gave_up| {
            let cause = gave_up
                .cause
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            format!("{}{cause}", gave_up.attempts)
        });
    assert!(script.borrow().is_empty(), "attempts were left out");
    (at.into_inner(), outcome)
}

fn refused() -> Meets {
    Broken(Cause::Connection("refused".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn attempts_and_waits() {
    let five = |meets: fn() -> Meets| std::iter::repeat_with(meets).take(5).collect::<Vec<_>>();
    let cases: Vec<Row> = vec![
        ("success", vec![Status(200)], vec![0], Ok(200)),
        ("no is an answer", vec![Status(404)], vec![0], Ok(404)),
        ("501 is an answer", vec![Status(501)], vec![0], Ok(501)),
        (
            "500 passes",
            vec![Status(500), Status(204)],
            vec![0, 2],
            Ok(204),
        ),
        (
            "599 passes",
            vec![Status(599), Status(200)],
            vec![0, 2],
            Ok(200),
        ),
        (
            "999 passes",
            vec![Status(999), Status(200)],
            vec![0, 2],
            Ok(200),
        ),
        (
            "429 passes",
            vec![Status(429), Status(200)],
            vec![0, 2],
            Ok(200),
        ),
        (
            "a connection recovers",
            vec![refused(), Status(200)],
            vec![0, 2],
            Ok(200),
        ),
        (
            "503 for good",
            five(|| Status(503)),
            vec![0, 2, 6, 14, 30],
            Err("5: unexpected HTTP status 503 Service Unavailable"),
        ),
        (
            "429 for good",
            five(|| Status(429)),
            vec![0, 2, 6, 14, 30],
            Err("5"),
        ),
        (
            "refused for good",
            five(refused),
            vec![0, 2, 6, 14, 30],
            Err(r#"5: Post "http://h/*****": refused"#),
        ),
        (
            "who it is does not change",
            vec![Broken(Cause::Certificate("the certificate is invalid"))],
            vec![0],
            Err(
                r#"1: Post "http://h/*****": tls: failed to verify certificate: x509: the certificate is invalid"#,
            ),
        ),
        (
            "redirects do not change",
            vec![Broken(Cause::Redirects)],
            vec![0],
            Err(r#"1: Post "http://h/*****": stopped after 10 redirects"#),
        ),
        (
            "429 asks for seconds",
            vec![Asked(429, "7"), Status(200)],
            vec![0, 7],
            Ok(200),
        ),
        (
            "503 asks for seconds",
            vec![Asked(503, "60"), Status(200)],
            vec![0, 60],
            Ok(200),
        ),
        (
            "503 asks for nothing",
            vec![Asked(503, "0"), Status(200)],
            vec![0, 0],
            Ok(200),
        ),
        (
            "500 may not ask",
            vec![Asked(500, "60"), Status(200)],
            vec![0, 2],
            Ok(200),
        ),
        (
            "negative",
            vec![Asked(429, "-1"), Status(200)],
            vec![0, 2],
            Ok(200),
        ),
        (
            "nonsense",
            vec![Asked(429, "soon"), Status(200)],
            vec![0, 2],
            Ok(200),
        ),
        (
            "a date",
            vec![Asked(429, "Wed, 25 Nov 2026 12:00:45 GMT"), Status(200)],
            vec![0, 45],
            Ok(200),
        ),
        (
            "a past date",
            vec![Asked(503, "Wed, 25 Nov 2026 11:59:59 GMT"), Status(200)],
            vec![0, 0],
            Ok(200),
        ),
        (
            "each wait for itself",
            vec![Asked(429, "1"), Status(500), Asked(503, "3"), Status(200)],
            vec![0, 1, 5, 8],
            Ok(200),
        ),
    ];
    for (name, script, times, end) in cases {
        let (at, outcome) = run_script(script).await;
        assert_eq!(at, times, "{name}");
        assert_eq!(
            outcome.as_ref().map_err(String::as_str),
            end.as_ref().map_err(|text| *text),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_wait_outlasts_the_delivery() {
    let four = || vec![Status(503), Status(503), Status(503), Status(503)];
    let cases: Vec<(u64, Vec<Meets>, Vec<u64>, &str)> = vec![
        (
            15,
            four(),
            vec![0, 2, 6, 14],
            "4: unexpected HTTP status 503 Service Unavailable",
        ),
        (
            14,
            vec![Status(500), refused(), Status(502)],
            vec![0, 2, 6],
            "3: unexpected HTTP status 502 Bad Gateway",
        ),
        (15, vec![Asked(429, "15")], vec![0], "1"),
        (15, vec![Status(500), Asked(429, "3600")], vec![0, 2], "2"),
        (
            1,
            vec![refused()],
            vec![0],
            r#"1: Post "http://h/*****": refused"#,
        ),
    ];
    for (seconds, script, times, end) in cases {
        let ended = deadline::within(Duration::from_secs(seconds), run_script(script)).await;
        let (at, outcome) = ended.expect("it ends by itself");
        assert_eq!(at, times, "{end}");
        assert_eq!(outcome, Err(end.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_the_delivery() {
    let began = Instant::now();
    let stuck = run(now, || async { std::future::pending().await });
    let ended = deadline::within(Duration::from_secs(15), stuck).await;
    assert!(ended.is_err());
    assert_eq!(began.elapsed(), Duration::from_secs(15));
}

#[test]
fn waits_double_up_to_a_limit() {
    let waits: Vec<_> = (1..=6).map(|attempts| wait(attempts).as_secs()).collect();
    assert_eq!(waits, [2, 4, 8, 16, 30, 30]);
}
