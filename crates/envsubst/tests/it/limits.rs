//! What would take for ever, or all memory, or the whole stack, is an error.

use envsubst::{Error, ParseError, Template};

fn evaluate(template: &str, value: &[u8]) -> Result<Vec<u8>, Error> {
    let template = Template::parse(template).unwrap();
    template.evaluate(|_| Some(value))
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| "${v:-".repeat(depth) + &"}".repeat(depth);
    assert!(Template::parse(&nested(100)).is_ok());
    assert_eq!(Template::parse(&nested(100_000)), Err(ParseError::TooDeep));
}

#[test]
fn length_is_limited() {
    let value = vec![b'a'; 1 << 20];
    assert_eq!(evaluate(&"${v}".repeat(17), &value), Err(Error::TooLong));
    assert_eq!(
        evaluate(&"${v:-x}".repeat(15), &value).unwrap().len(),
        15 << 20
    );
    assert_eq!(evaluate("${v//a/${v}}", &value), Err(Error::TooLong));
}

#[test]
fn work_is_limited() {
    let value = vec![b'a'; 1 << 20];
    for template in [
        "${v%%b*a}",
        "${v##*b}",
        "${v#[a-z]*[a-z]b}",
        "${v##a*a*a*b}",
    ] {
        let length = evaluate(template, &value).map(|text| text.len());
        assert_eq!(length, Err(Error::TooMuchWork), "{template}");
    }
}

#[test]
fn bytes_that_are_no_text_pass_through() {
    assert_eq!(evaluate("${v}", b"\xff\xfe").unwrap(), b"\xff\xfe");
    assert_eq!(evaluate("${v:0:1}", "é".as_bytes()).unwrap(), b"\xc3");
    assert_eq!(
        evaluate("${v^^}", b"a\xffb").unwrap(),
        "A\u{fffd}B".as_bytes()
    );
}

#[test]
fn a_template_without_variables_is_plain() {
    for (text, plain) in [("a $b $$", true), ("$${v}", true), ("a ${v}", false)] {
        assert_eq!(Template::parse(text).unwrap().is_plain(), plain, "{text}");
    }
}
