//! Sets of characters: ranges, and the sets that have names.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// Go's scripts of up to four letters. Rust also knows each script by four letters of its own.
const SHORT_SCRIPTS: &[&str] = &[
    "ahom", "cham", "han", "kawi", "lao", "lisu", "miao", "modi", "mro", "newa", "nko", "thai",
    "toto", "vai", "yi",
];

const FIRST_AFTER_SURROGATES: u32 = 0xE000;
const LAST_BEFORE_SURROGATES: u32 = 0xD7FF;

/// The characters between two code points. Surrogates are no characters: no text holds one.
pub(crate) fn range(low: u32, high: u32) -> ClassUnicode {
    let low = char::from_u32(low).or(char::from_u32(FIRST_AFTER_SURROGATES));
    let high = char::from_u32(high).or(char::from_u32(LAST_BEFORE_SURROGATES));
    match (low, high) {
        (Some(low), Some(high)) if low <= high => {
            ClassUnicode::new([ClassUnicodeRange::new(low, high)])
        }
        _ => ClassUnicode::empty(),
    }
}

fn ascii(ranges: &[(char, char)]) -> ClassUnicode {
    let ranges = ranges.iter();
    ClassUnicode::new(ranges.map(|&(low, high)| ClassUnicodeRange::new(low, high)))
}

/// What a backslash and `letter` stand for, where that is the lower case of a set.
pub(crate) fn perl(letter: char) -> Option<ClassUnicode> {
    match letter {
        'd' => posix("digit"),
        's' => Some(ascii(&[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')])),
        'w' => posix("word"),
        _ => None,
    }
}

/// The set `[:name:]`.
pub(crate) fn posix(name: &str) -> Option<ClassUnicode> {
    Some(ascii(match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7F')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1F'), ('\x7F', '\x7F')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    }))
}

/// The set `\p{name}`: a general category or a script. Case, spaces, `_` and `-` do not matter.
pub(crate) fn unicode(name: &str) -> Option<ClassUnicode> {
    let name: String = name
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // A prefix "is" has a meaning for Rust only.
    if !name.bytes().all(|b| b.is_ascii_alphanumeric()) || name.starts_with("is") {
        return None;
    }
    if name == "cs" || name == "surrogate" {
        return Some(ClassUnicode::empty());
    }
    let has_script = name.len() > 4 || SHORT_SCRIPTS.contains(&name.as_str());
    property("gc", &name).or_else(|| has_script.then(|| property("sc", &name)).flatten())
}

fn property(property: &str, value: &str) -> Option<ClassUnicode> {
    let set = regex_syntax::parse(&format!(r"\p{{{property}={value}}}")).ok()?;
    match set.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        // A set of one character comes as that character.
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let ranges = text.chars().map(|c| ClassUnicodeRange::new(c, c));
            Some(ClassUnicode::new(ranges))
        }
        _ => None,
    }
}
