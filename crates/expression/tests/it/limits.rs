//! No expression holds a worker, fills the memory or overflows the stack.

use expression::{Environment, Expression, Type};
use serde_json::{Value, json};

fn evaluate(source: &str, value: &Value) -> Result<Value, String> {
    let environment = Environment::new(&["x"]);
    let compiled = Expression::compile(&environment, source, Type::Dynamic);
    let compiled = compiled.map_err(|error| error.to_string())?;
    compiled
        .evaluate(&[("x", value)])
        .map_err(|error| error.to_string())
}

#[test]
fn an_expensive_evaluation_ends() {
    let many: Vec<u32> = (0..1000).collect();
    let value = json!({"list": many, "text": "a".repeat(10_000), "pattern": "(a*)*b"});
    for source in [
        "x.list.map(a, x.list.map(b, x.list.map(c, a + b + c)))",
        "x.list.all(a, x.list.all(b, x.list.all(c, true)))",
        "x.list.exists(a, x.list.exists(b, x.list.exists(c, false))) || true",
        "x.list.map(a, x.text + x.text).map(a, x.list.map(b, a + a)).size() == 1",
        "x.list.map(a, x.text.replace('a', x.text))",
        "x.list.all(a, x.list.all(b, !x.text.matches(x.pattern + string(a) + string(b))))",
        "x.list.all(a, x.list.all(b, sets.contains(x.list, x.list)))",
        "x.list.all(a, x.list.all(b, x.text.contains('b') == false))",
        "x.list.map(a, x.text.split('')).size() == 0",
    ] {
        let error = evaluate(source, &value).unwrap_err();
        assert!(
            error.ends_with("actual cost limit exceeded"),
            "{source}: {error}"
        );
    }
}

#[test]
fn an_ordinary_evaluation_over_a_large_object_is_within_its_budget() {
    let many: Vec<Value> = (0..10_000)
        .map(|index| json!({"type": "Ready", "status": "True", "index": index}))
        .collect();
    let value = json!({"conditions": many});
    let source =
        "x.conditions.filter(c, c.type == 'Ready').all(c, c.status == 'True' && c.index >= 0.0)";
    assert_eq!(evaluate(source, &value), Ok(json!(true)));
}

#[test]
fn a_deep_source_is_refused_before_it_is_parsed() {
    let value = json!({});
    let nested = [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("{1: ", "1", "}"),
        ("!(", "true", ")"),
        ("x.all(a, ", "true", ")"),
        ("true ? 1 : ", "1", ""),
        ("", "x", ".a"),
        ("", "x", "[0]"),
        ("", "x", ".?a"),
        ("", "x", ".map(a, a)"),
        ("", "1", " + 1"),
        ("", "1", " == 1"),
    ];
    for (open, inside, close) in nested {
        for depth in [40, 83] {
            let source = [open.repeat(depth), inside.to_owned(), close.repeat(depth)].concat();
            if let Err(error) = evaluate(&source, &value) {
                assert!(!error.contains("recursion"), "{source}: {error}");
            }
        }
        for depth in [500, 10_000] {
            let source = [open.repeat(depth), inside.to_owned(), close.repeat(depth)].concat();
            let error = evaluate(&source, &value).unwrap_err();
            assert!(
                error.ends_with("expression recursion limit exceeded: 250")
                    || error.contains("code point size exceeds limit"),
                "{open}{close}: {error}"
            );
        }
    }
}

#[test]
fn a_type_cannot_grow_without_end() {
    let chain = "[1]".to_owned() + &".map(a, {'k': a, 'l': [a]})".repeat(40);
    assert!(evaluate(&chain, &json!({})).is_err());
    let doubled = "[1]".to_owned() + &".map(a, {a: a})".repeat(40);
    let error = evaluate(&doubled, &json!({})).unwrap_err();
    assert!(
        error.contains("type of the expression is too large"),
        "{error}"
    );
}
