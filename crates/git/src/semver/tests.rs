use proptest::prelude::*;

use super::{Constraint, Version};

fn version(text: &str) -> Version {
    Version::parse_loose(text).expect(text)
}

#[test]
fn versions_parse_as_tags_do() {
    for (text, good) in [
        ("1.2.3", true),
        ("v1.2.3", true),
        ("01.002.3", true),
        ("v2025.02.03-rc.1", true),
        ("1.2.3-alpha.1+build.5", true),
        ("1.2.3+a-b", true),
        ("1.2", false),
        ("1", false),
        ("1.2.3.4", false),
        ("V1.2.3", false),
        ("1.2.3-", false),
        ("1.2.3-01", false),
        ("1.2.3-a..b", false),
        ("1.2.3+", false),
        ("a.b.c", false),
        ("1.2.x", false),
        ("99999999999999999999.0.0", false),
        ("release-1.2.3", false),
    ] {
        assert_eq!(Version::parse(text).is_some(), good, "{text}");
    }
}

#[test]
fn versions_are_ordered() {
    let ascending = [
        "0.0.1",
        "0.1.0",
        "1.0.0-0",
        "1.0.0-1",
        "1.0.0-99",
        "1.0.0-103",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-rc.2",
        "1.0.0-rc.10",
        "1.0.0",
        "1.0.10",
        "1.2.0",
        "10.0.0",
    ];
    for pair in ascending.windows(2) {
        let [low, high] = pair else {
            unreachable!("windows of two")
        };
        assert!(version(low) < version(high), "{low} {high}");
    }
    assert!(version("1.0.0+a").cmp(&version("1.0.0+b")).is_eq());
}

#[test]
fn constraints_allow() {
    for (constraint, text, allowed) in [
        ("=2.0.0", "2.0.0", true),
        ("= 2.0.0", "1.2.3", false),
        ("2", "2.4.1", true),
        ("2.1.x", "2.1.9", true),
        ("2.1.X", "2.2.0", false),
        ("!=4.1.0", "4.1.0", false),
        ("!=4.1.0", "4.1.1", true),
        ("!=4.x", "4.9.0", false),
        ("!=4.x", "5.1.0", true),
        ("!=4.2.x", "4.2.3", false),
        ("!=4.2.x", "4.3.0", true),
        (">1.1", "1.1.9", false),
        (">1.1", "1.2.0", true),
        (">1", "1.9.0", false),
        (">1", "2.0.0", true),
        (">1.1.0", "1.1.1", true),
        ("<1.1", "1.0.9", true),
        ("<1.1", "1.1.0", false),
        ("<v0.2.1", "0.2.0", true),
        (">=11", "11.0.0", true),
        (">=1.1", "1.0.9", false),
        ("=>1.1", "4.1.0", true),
        ("<=11", "11.9.9", true),
        ("<=11", "12.0.0", false),
        ("<=1.1", "1.1.9", true),
        ("=<1.1", "1.2.0", false),
        ("<=1.1.0", "1.1.1", false),
        ("~1.2.3", "1.2.9", true),
        ("~1.2.3", "1.3.0", false),
        ("~1.2.3", "1.2.2", false),
        ("~1", "1.9.9", true),
        ("~>1.2", "1.2.4", true),
        ("~0.0.0", "3.2.1", true),
        ("~*", "3.2.1", true),
        ("^1.2.3", "1.9.0", true),
        ("^1.2.3", "2.0.0", false),
        ("^0.2.3", "0.2.9", true),
        ("^0.2.3", "0.3.0", false),
        ("^0.0.3", "0.0.3", true),
        ("^0.0.3", "0.0.4", false),
        ("^0.0", "0.0.9", true),
        ("^0.0", "0.1.0", false),
        ("^0", "0.9.0", true),
        ("^0", "1.0.0", false),
        ("*", "1.2.3", true),
        ("*", "1.2.3-rc.1", false),
        ("x", "0.0.1", true),
        ("1.2 - 1.4", "1.4.0", true),
        ("1.2 - 1.4", "1.5.0", false),
        ("1.2.0 - 1.4.2", "1.4.3", false),
        (">=1.0.0 <2.0.0", "1.5.0", true),
        (">=1.0.0, <2.0.0", "2.0.0", false),
        (">= 1.0.0,<2.0.0", "1.9.9", true),
        ("1.x || 3.x", "3.4.0", true),
        ("1.x || 3.x", "2.4.0", false),
        (">=1.0.0-0", "1.2.0-rc.1", true),
        (">=1.0.0-0 <1.1.0-0", "1.0.0-rc.1", true),
        (">=1.0.0-0 <2.0.0", "1.1.0-beta", true),
        (">=1.0.0 || >=0.1.0-0", "1.1.0-beta", true),
        (">=1.0.0", "1.1.0-beta", false),
        ("~1.1.0-alpha", "1.1.0-beta", true),
        ("^1.0.0-0", "1.4.0-beta", true),
        ("v1.2.3", "1.2.3", true),
        ("1.02.3", "1.2.3", true),
        ("1.2.3+meta", "1.2.3", true),
    ] {
        let parsed = Constraint::parse(constraint).expect(constraint);
        assert_eq!(
            parsed.allows(&version(text)),
            allowed,
            "{constraint} {text}"
        );
    }
}

#[test]
fn bad_constraints_say_why() {
    for (constraint, message) in [
        ("", "improper constraint: \"\""),
        ("foo", "improper constraint: \"foo\""),
        (">= ", "improper constraint: \">= \""),
        ("1.0.0,", "improper constraint: \"1.0.0,\""),
        ("1.0.0>2", "improper constraint: \"1.0.0>2\""),
        ("1.0.0 || ", "improper constraint: \" \""),
        (">>1", "improper constraint: \">>1\""),
        ("1.2.3.4", "improper constraint: \"1.2.3.4\""),
        ("1.0.0-", "improper constraint: \"1.0.0-\""),
        ("1|2", "constraint parser error"),
    ] {
        assert_eq!(
            Constraint::parse(constraint)
                .map(drop)
                .expect_err(constraint),
            message
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "[v0-9xX*.|,~^=<>! \\-+a-c]{0,24}") {
        if let Ok(constraint) = Constraint::parse(&text) {
            constraint.allows(&version("1.2.3"));
        }
        Version::parse(&text);
    }

    #[test]
    fn order_is_total(a in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-b0-9]\\.[0-9a-b])?", b in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-b0-9]\\.[0-9a-b])?") {
        let (a, b) = (version(&a), version(&b));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&a), std::cmp::Ordering::Equal);
    }
}
