//! Random documents with comments in every place, written again by both.

use std::cell::Cell;

use proptest::prelude::*;

use super::generated::run;
use super::oracle::Mode;

#[derive(Clone, Debug)]
enum Tree {
    Scalar(&'static str),
    Block(&'static str),
    Flow(Vec<Tree>, bool),
    Sequence(Vec<Tree>),
    Mapping(Vec<(&'static str, Tree)>),
}

const SCALARS: &[&str] = &[
    "a", "1", "", "~", "'q'", "\"d\"", "a b", "!!str t", "true", "[]", "{}", "a#b", "'# q'",
];
const BLOCKS: &[&str] = &["|", "|-", "|+", ">", ">-", "|2"];
const KEYS: &[&str] = &[
    "a", "b", "'q'", "k k", "? c\n", "1", "\"d\"", "[]", "{a: b}",
];

fn tree() -> impl Strategy<Value = Tree> {
    use proptest::collection::vec;
    use proptest::sample::select;
    let leaf = prop_oneof![
        6 => select(SCALARS).prop_map(Tree::Scalar),
        1 => select(BLOCKS).prop_map(Tree::Block),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            1 => (vec(inner.clone(), 0..4), any::<bool>())
                .prop_map(|(items, map)| Tree::Flow(items, map)),
            2 => vec(inner.clone(), 1..4).prop_map(Tree::Sequence),
            3 => vec((select(KEYS), inner), 1..4).prop_map(Tree::Mapping),
        ]
    })
}

/// Writes a tree with comments and empty lines where `noise` says so, none where it has ended.
struct Writer<'a> {
    out: String,
    noise: std::slice::Iter<'a, u8>,
    comments: usize,
}

impl Writer<'_> {
    fn noise(&mut self) -> u8 {
        self.noise.next().copied().unwrap_or(0)
    }

    fn comment(&mut self) {
        self.comments += 1;
        let odd = ["# ", "#", "## ", "#\t"][self.comments % 4];
        self.out.push_str(&format!("{odd}{}", self.comments));
    }

    /// Ends a line, maybe with a comment, and puts further lines after it.
    fn line(&mut self, indent: usize) {
        if self.noise().is_multiple_of(4) && self.noise() > 0 {
            let blanks = [" ", "  ", "\t"][usize::from(self.noise() % 3)];
            self.out.push_str(blanks);
            self.comment();
        }
        self.out.push('\n');
        self.between(indent);
    }

    fn between(&mut self, indent: usize) {
        for _ in 0..self.noise() % 4 {
            match self.noise() % 8 {
                0 | 1 => self.out.push('\n'),
                2 => self.out.push_str(&format!("{}\n", " ".repeat(indent))),
                place => {
                    let column = match place {
                        3 => indent.saturating_sub(2),
                        4 => indent + 2,
                        5 => usize::from(self.noise() % 6),
                        _ => indent,
                    };
                    self.out.push_str(&" ".repeat(column));
                    self.comment();
                    self.out.push('\n');
                }
            }
        }
    }

    /// Writes what stands behind an indicator at `indent`, up to the end of its last line.
    fn node(&mut self, tree: &Tree, indent: usize, behind: Behind) {
        match tree {
            Tree::Scalar(text) => {
                self.out.push_str(text);
                self.line(indent);
            }
            Tree::Block(header) => {
                self.out.push_str(header);
                if self.noise() % 3 == 1 {
                    self.out.push(' ');
                    self.comment();
                }
                for line in ["x", "# no comment", "  y", ""] {
                    let pad = if line.is_empty() { 0 } else { indent + 2 };
                    self.out.push_str(&format!("\n{}{line}", " ".repeat(pad)));
                }
                self.between(indent);
            }
            Tree::Flow(items, map) => {
                self.flow(items, *map, indent + 2);
                self.line(indent);
            }
            Tree::Sequence(items) => {
                let compact = behind == Behind::Key && self.noise() % 2 == 1;
                let indent = if compact || behind == Behind::Nothing {
                    indent
                } else {
                    indent + 2
                };
                self.begin(indent, behind);
                for (number, item) in items.iter().enumerate() {
                    if number > 0 || behind == Behind::Key {
                        self.out.push_str(&" ".repeat(indent));
                    }
                    self.out.push_str("- ");
                    self.node(item, indent, Behind::Dash);
                }
            }
            Tree::Mapping(entries) => {
                let indent = if behind == Behind::Nothing {
                    indent
                } else {
                    indent + 2
                };
                self.begin(indent, behind);
                for (number, (key, value)) in entries.iter().enumerate() {
                    if number > 0 || behind == Behind::Key {
                        self.out.push_str(&" ".repeat(indent));
                    }
                    self.out.push_str(key);
                    if key.ends_with('\n') {
                        self.out.push_str(&" ".repeat(indent));
                    }
                    self.out.push_str(": ");
                    self.node(value, indent, Behind::Key);
                }
            }
        }
    }

    /// Begins a block collection: behind a dash on the same line or, with a comment, on the next.
    fn begin(&mut self, indent: usize, behind: Behind) {
        match behind {
            Behind::Key => self.line(indent),
            Behind::Dash if self.noise() % 4 == 1 => {
                self.line(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            Behind::Dash | Behind::Nothing => {}
        }
    }

    fn flow(&mut self, items: &[Tree], map: bool, indent: usize) {
        self.out.push(if map { '{' } else { '[' });
        for (number, item) in items.iter().enumerate() {
            self.flow_break(indent);
            if map {
                self.out.push_str(&format!("k{number}: "));
            }
            match item {
                Tree::Flow(items, map) => self.flow(items, *map, indent + 2),
                Tree::Scalar(text) => self.out.push_str(text),
                _ => self.out.push('x'),
            }
            if self.noise() % 6 == 1 {
                self.flow_break(indent);
            }
            if number + 1 < items.len() || self.noise() % 4 == 1 {
                self.out.push(',');
            }
        }
        self.flow_break(indent);
        self.out.push(if map { '}' } else { ']' });
    }

    fn flow_break(&mut self, indent: usize) {
        if self.noise() % 3 == 1 {
            self.line(indent);
            self.out.push_str(&" ".repeat(indent));
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Behind {
    Nothing,
    Dash,
    Key,
}

fn document() -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::collection::vec(any::<u8>(), 0..120);
    let start = proptest::sample::select(&["", "", "", "---\n", "%YAML 1.1\n---\n", "--- "][..]);
    let end = proptest::sample::select(&["", "", "---\n", "...\n", "...\n# after\n"][..]);
    let breaks = proptest::sample::select(&["\n", "\n", "\n", "\n", "\n", "\n", "\r\n"][..]);
    (tree(), noise, start, end, breaks).prop_map(|(tree, noise, start, end, breaks)| {
        let mut writer = Writer {
            out: String::new(),
            noise: noise.iter(),
            comments: 0,
        };
        writer.between(0);
        writer.out.push_str(start);
        if start.ends_with('\n') {
            writer.between(0);
        }
        writer.node(&tree, 0, Behind::Nothing);
        writer.out.push_str(end);
        writer.out.replace('\n', breaks).into_bytes()
    })
}

/// Lines that may follow each other in any order; most such texts are no YAML.
const LINES: &[&str] = &[
    "# c",
    "## c c",
    "#",
    "a: b",
    "a:",
    "b: # l",
    "c: d # l",
    "- x",
    "- x # l",
    "-",
    "- # l",
    "- a: b",
    "- a: b # l",
    "- - x",
    "- - x # l",
    "? k",
    "? k # l",
    ": v",
    ": v # l",
    "d: |",
    "d: | # l",
    "d: >- # l",
    "e: [a, # l",
    "b] # l",
    "e: {a: b, # l",
    "c: d}",
    "}",
    "]",
    ", # l",
    "",
    "",
    "  ",
    "f: [x, y] # l",
    "g: {x: y} # l",
    "---",
    "--- # l",
    "...",
    "!!map # l",
    "'q' # l",
    "x",
    "- ",
    "-\t# l",
    "h: !!str # l",
    "- [",
    "- {",
];

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let line = (0..4usize, proptest::sample::select(LINES));
    proptest::collection::vec(line, 1..12).prop_map(|lines| {
        let mut text = String::new();
        for (indent, line) in lines {
            text.push_str(&format!("{}{line}\n", "  ".repeat(indent)));
        }
        text.into_bytes()
    })
}

#[test]
fn comments_stay_alike() {
    let kept = Cell::new(0);
    let documents = document().prop_map(|text| {
        let written = Mode::Comments.ours(&text).unwrap_or_default();
        kept.set(kept.get() + u32::from(written.contains(&b'#')));
        text
    });
    run(2000, &documents, &[Mode::Comments]);
    assert!(kept.get() > 1000, "only {} had comments", kept.get());
}

#[test]
fn comments_in_odd_places_stay_alike() {
    run(3000, &lines(), &[Mode::Comments]);
}
