use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What Go says, one JSON array a line; see `tests/duration/main.go`.
const GO: &str = include_str!("../../../tests/duration/cases.jsonl");

#[test]
fn reads_and_prints_as_go_does() {
    for line in GO.lines() {
        let expected: Value = serde_json::from_str(line).unwrap();
        let text = expected[0].as_str().unwrap();
        if expected[1]
            .as_i64()
            .is_some_and(|nanoseconds| nanoseconds < 0)
        {
            let refused = ParseDurationError::Invalid(text.to_owned());
            assert_eq!(text.parse::<Duration>(), Err(refused));
            continue;
        }
        let actual = match text.parse::<Duration>() {
            Ok(span) => json!([text, span.as_nanos(), span.to_string()]),
            Err(error) => json!([text, error.to_string()]),
        };
        assert_eq!(actual, expected);
    }
    assert!(GO.lines().count() > 90);
}

#[test]
fn what_a_schema_lets_through_can_be_read() {
    for (text, expected) in [
        ("99999999999999999999h", Duration::MAX),
        ("9999999h9999999h5s", Duration::MAX),
        ("0.5m1.25s", Duration::from_nanos(31_250_000_000)),
    ] {
        assert_eq!(
            serde_json::from_value::<Duration>(json!(text)).unwrap(),
            expected,
            "{text}"
        );
    }
    let error = serde_json::from_value::<Duration>(json!("1x")).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"time: unknown unit "x" in duration "1x""#
    );
}

#[test]
fn timers_take_no_negative_span() {
    let span = Duration::from_secs(10).saturating_sub(Duration::from_secs(30));
    assert_eq!(span.to_string(), "-20s");
    assert_eq!(span.to_std(), time::Duration::ZERO);
    assert_eq!(
        Duration::from_secs(3).to_std(),
        time::Duration::from_secs(3)
    );
    assert_eq!(Duration::from(time::Duration::MAX), Duration::MAX);
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(nanoseconds: i64, shift in 0_u32..63) {
        let span = Duration::from_nanos((nanoseconds >> shift).max(0));
        prop_assert_eq!(span.to_string().parse::<Duration>().unwrap(), span);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[-+0-9.hmsnuµ é]{0,12}") {
        if let Ok(span) = text.parse::<Duration>() {
            prop_assert_eq!(span.to_string().parse::<Duration>().unwrap(), span);
        }
    }
}
