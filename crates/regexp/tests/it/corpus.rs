//! Patterns that were thought of, each tried on every text.

use super::answer::compare;

/// Texts that tell apart what patterns may mean.
pub(super) const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "A",
    "k",
    "K",
    "\u{212A}",
    "s",
    "ſ",
    "ab",
    "aa",
    "aaa",
    "abab",
    "a b",
    "a\nb",
    "\n",
    "a\n",
    "\na",
    "\r",
    "\t",
    "\u{B}",
    "\u{C}",
    "\u{7}",
    "\0",
    "\u{7F}",
    "\u{85}",
    "\u{A0}",
    " ",
    "-",
    "_",
    "^",
    "$",
    "[",
    "]",
    "{",
    "}",
    "a{",
    "a{,2}",
    "a{02}",
    "(",
    ")",
    "|",
    "*",
    "+",
    "?",
    ".",
    "\\",
    "/",
    ":",
    "&",
    "&&",
    "~",
    "#",
    "<",
    ">",
    "=",
    "!",
    "0",
    "1",
    "9",
    "12",
    "٣",
    "é",
    "É",
    "e\u{301}",
    "ß",
    "ẞ",
    "SS",
    "σ",
    "ς",
    "Σ",
    "И",
    "日本",
    "ǅ",
    "😀",
    "a😀b",
    "\u{D7FF}",
    "\u{E000}",
    "\u{FFFD}",
    "\u{10FFFF}",
    "\u{2028}",
    "web-1",
    "dev/web",
    "v1.2.3",
    "x${a}y",
    "É.",
    "waiting.for.health",
    "IMPORTANT",
    "Q",
    "E",
    "d",
    "w",
    "p",
    "z",
    "C",
    "\u{200D}",
    "ⅷ",
    "Ⅷ",
];

/// A pattern each line, empty lines and those that begin with `## ` apart. Whether they compile or not does not matter: Go says.
const PATTERNS: &str = include_str!("../../../../tests/conformance/regexp/patterns");

/// Patterns whose answers differ on purpose, with the reason.
pub(super) const DIFFERENCES: &[(&str, &str)] = &[(
    r"\p{Old_Italic}",
    "Go 1.25 and 1.26 refuse scripts of several words, earlier ones know them",
)];

#[test]
fn each_pattern_finds_what_go_finds() {
    let mut report = String::new();
    let patterns = PATTERNS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("## "));
    for pattern in patterns.chain(["", "\\\n", "[a\n]", "[^\n]"]) {
        if let Err(difference) = compare(pattern, TEXTS) {
            report.push_str(&difference);
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn known_differences_are_still_there() {
    for (pattern, reason) in DIFFERENCES {
        assert!(compare(pattern, TEXTS).is_err(), "{pattern}: {reason}");
    }
}
