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
    let value = json!({
        "list": many, "more": vec![1; 5000], "text": "a".repeat(10_000), "pattern": "(a*)*b",
        "long": "0".repeat(100_000), "keys": ["0".repeat(100_000), "0".repeat(99_999)], "fields": {"a": 1},
    });
    let doubled = "[1]".to_owned() + &".map(a, dyn([a, a]))".repeat(40);
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
        // What costs no step to make is paid for as a result.
        "x.list.map(a, x)",
        &doubled,
        // A text is paid for by whatever reads it.
        "x.list.exists(a, int(x.long) == 1)",
        "x.list.exists(a, uint(x.long) == 1u)",
        "x.list.exists(a, double(x.long) == 1.0)",
        "x.list.exists(a, duration(x.long) == duration('1s'))",
        "x.list.exists(a, timestamp(x.long) == timestamp(0))",
        "x.list.exists(a, timestamp(0).getHours(x.long) == 1)",
        "x.list.exists(a, x.long in x.fields)",
        "x.list.exists(a, x.fields[x.long] == 1)",
        "x.list.exists(a, {x.keys[0]: 1, x.keys[1]: 2}.size() == 1)",
        "x.list.exists(a, sets.intersects(x.more, []))",
        // A pattern is paid for by its size.
        "x.list.exists(a, x.text.matches('[01]*1[01]{900}2'))",
        "x.list.exists(a, x.text.matches('^.{0,1000}' + string(a)))",
        "x.list.exists(a, x.text.matches('(.{0,1000}){3}' + string(a)))",
    ] {
        let error = evaluate(source, &value).unwrap_err();
        assert!(
            error.ends_with("actual cost limit exceeded"),
            "{source}: {error}"
        );
    }
}

#[test]
fn the_patterns_of_an_expression_are_bounded() {
    let patterns: Vec<String> = (0..20)
        .map(|index| format!("x.text.matches('^.{{0,1000}}{index}')"))
        .collect();
    let error = evaluate(&patterns.join(" || "), &json!({})).unwrap_err();
    assert!(error.ends_with("actual cost limit exceeded"), "{error}");
    let few = patterns[..3].join(" || ");
    assert_eq!(evaluate(&few, &json!({"text": "a2"})), Ok(json!(true)));
}

#[test]
fn an_error_shows_the_beginning_of_what_is_long() {
    let many: Vec<u32> = (0..100_000).collect();
    let value = json!({"long": "ä".repeat(100_000), "list": many, "fields": {}});
    let doubled = "[?dyn([1]".to_owned() + &".map(a, dyn([a, a]))".repeat(40) + ")]";
    for (source, expected) in [
        ("x.fields[x.long]", "no such key: äää"),
        (
            "[?dyn(x.list)]",
            "cannot initialize optional list element from non-optional value [0, 1, 2",
        ),
        (&doubled, "from non-optional value [[[["),
    ] {
        let error = evaluate(source, &value).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(error.len() < source.len() + 2000, "{}", error.len());
    }
}

#[test]
fn results_of_results_do_not_nest_without_end() {
    let source = "[".repeat(60) + "x" + &"]".repeat(60);
    let mut value = json!(1);
    let error = (0..100).find_map(|_| match evaluate(&source, &value) {
        Ok(result) => {
            value = result;
            None
        }
        Err(error) => Some(error),
    });
    let error = error.unwrap_or_default();
    assert!(error.ends_with("nested more than 250 deep"), "{error}");
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
