//! No pattern takes the process down, or much of its time.

use regexp::Pattern;

#[test]
fn deep_patterns_are_refused_and_those_below_the_limit_are_not() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Pattern::new(&nested(900)).unwrap().is_match("a"));
    let error = Pattern::new(&nested(1100)).unwrap_err().to_string();
    assert!(error.starts_with("error parsing regexp: expression nests too deeply: "));
    // Groups that capture nothing are no depth.
    let open = format!("{}a{}", "(?:".repeat(5000), ")".repeat(5000));
    assert!(Pattern::new(&open).unwrap().is_match("a"));
}

#[test]
fn large_patterns_are_refused() {
    let error = Pattern::new(r"(\pL{100}){10}").unwrap_err().to_string();
    assert_eq!(
        error,
        r"error parsing regexp: expression too large: `(\pL{100}){10}`"
    );
}
