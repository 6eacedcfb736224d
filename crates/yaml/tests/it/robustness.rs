//! Nothing that comes in makes the crate panic, run out of stack, or blow up in memory.

use proptest::prelude::*;

fn read_every_way(bytes: &[u8]) {
    if let Ok(Some(node)) = yaml::parse_first_bytes(bytes) {
        let mut out = Vec::new();
        yaml::v3::emit(&node, &mut out);
        let printed = yaml::v2::emit_node(&node, &mut out);
        let json = yaml::v3::to_json(&node);
        assert!(printed.is_err() || json.is_ok(), "printed what has no JSON");
    }
    let config = yaml::v2::to_json(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let first = yaml::parse_first(text);
        assert_eq!(first.is_err(), yaml::parse_first_bytes(bytes).is_err());
        let document = yaml::parse_document(text);
        assert_eq!(first.is_err(), document.is_err());
        if let Ok(Some(document)) = document {
            assert_eq!(first.as_ref().unwrap().as_ref(), Some(&document.root));
            yaml::v3::emit_document(&document, &mut Vec::new());
        }
        assert!(first.is_ok() || yaml::parse_documents(text).is_err());
    }
    drop(config);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_every_way(&bytes);
    }

    #[test]
    fn takes_any_text(text in "\\PC{0,80}") {
        read_every_way(text.as_bytes());
    }
}

#[test]
fn deep_nesting_is_refused() {
    let levels = 100_000;
    let indented: String = (0..2000)
        .map(|n| format!("{}a:\n", " ".repeat(n)))
        .collect();
    for text in [
        "[".repeat(levels),
        "{a: ".repeat(levels),
        "- ".repeat(levels),
        "? ".repeat(levels),
        indented,
    ] {
        let error = yaml::parse_first(&text).unwrap_err().to_string();
        assert!(error.contains("exceeded max depth of"), "{error}");
        assert!(yaml::v2::to_json(text.as_bytes()).is_err());
    }
    let deepest = format!(
        "{}1{}",
        "[".repeat(yaml::MAX_DEPTH),
        "]".repeat(yaml::MAX_DEPTH)
    );
    read_every_way(deepest.as_bytes());
    assert!(yaml::parse_first(&deepest).is_ok());
}

#[test]
fn nesting_through_aliases_is_refused() {
    let mut text = "a0: &a0 [x]\n".to_owned();
    for n in 1..1000 {
        text.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1));
    }
    let error = yaml::parse_first(&text).unwrap_err().to_string();
    assert_eq!(error, "yaml: exceeded max depth of 500");
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, before) in ('b'..='i').zip('a'..) {
        let aliases = vec![format!("*{before}"); 9].join(",");
        text.push_str(&format!("{name}: &{name} [{aliases}]\n"));
    }
    for error in [
        yaml::parse_first(&text).unwrap_err().to_string(),
        yaml::v2::to_json(text.as_bytes()).unwrap_err().to_string(),
    ] {
        assert_eq!(error, "yaml: document contains excessive aliasing");
    }
}

#[test]
fn many_keys_are_read_and_printed_in_line_with_their_number() {
    // Quadratic work would take minutes here.
    let mut text = String::new();
    for n in 0..100_000 {
        text.push_str(&format!("key{n}: {n}\n"));
    }
    let node = yaml::parse_first(&text).unwrap().unwrap();
    let mut out = Vec::new();
    yaml::v2::emit_node(&node, &mut out).unwrap();
    assert_eq!(out, text.as_bytes());
    assert_eq!(
        node.get("key99999").and_then(yaml::Node::as_str),
        Some("99999")
    );
}

#[test]
fn many_comments_are_kept_in_line_with_their_number() {
    // Quadratic work would take minutes here.
    let mut text = format!("{}x # line\n", "- ".repeat(300));
    for n in 0..100_000 {
        text.push_str(&format!("{}# {n}\n", " ".repeat(n % 2)));
    }
    text.push_str("- y\n");
    let document = yaml::parse_document(&text).unwrap().unwrap();
    let mut out = Vec::new();
    yaml::v3::emit_document(&document, &mut out);
    let written = String::from_utf8(out).unwrap();
    assert_eq!(written.matches('#').count(), 100_001);
}
