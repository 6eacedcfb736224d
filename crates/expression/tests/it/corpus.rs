//! Every expression in `tests/cases` gives what cel-go gives: the same value, or the same error text.
//!
//! A file is a sequence of lines. `:` sets how the following expressions are compiled (`parse`, or `bool`, `string`
//! or `dynamic` for checked ones, with `integers` where Kubernetes' objects are meant) and the variables, as JSON.
//! `#` is a comment. `@` is an expression as a JSON string, for those of several lines. `~` marks an expression that both
//! refuse at the same stage, but in other words. All else is an expression.

use std::path::Path;

use expression::{Numbers, Type};
use serde_json::{Map, Value};

use crate::oracle::{Answer, Mode, Setting};

#[test]
fn expressions_give_what_cel_go_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let (mut checked, mut wrong) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut setting = None;
        for (line, text) in text.lines().enumerate() {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if let Some(header) = text.strip_prefix(':') {
                setting = Some(read(header));
                continue;
            }
            let reworded = text.strip_prefix('~');
            let source = match text.strip_prefix('@') {
                Some(json) => serde_json::from_str(json).unwrap(),
                None => reworded.unwrap_or(text).to_owned(),
            };
            let setting = setting.as_ref().expect("a file starts with a setting");
            let (ours, theirs) = (setting.ours(&source), setting.theirs(&source));
            checked += 1;
            let agrees = if reworded.is_some() {
                ours != theirs && stage(&ours).is_some() && stage(&ours) == stage(&theirs)
            } else {
                ours == theirs
            };
            if !agrees {
                let ours = ours.unwrap_or_else(Value::from);
                let theirs = theirs.unwrap_or_else(Value::from);
                wrong.push(format!(
                    "{name}:{}: {source}\n  ours   {ours}\n  theirs {theirs}",
                    line + 1
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {checked}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(checked >= 250, "there are {checked} cases only");
}

/// Where an expression failed.
fn stage(answer: &Answer) -> Option<&str> {
    let error = answer.as_ref().err()?;
    error.split(" '").next()?.split(": ").next()
}

fn read(header: &str) -> Setting {
    let (words, variables) = header.split_at(header.find('{').unwrap_or(header.len()));
    let variables = if variables.is_empty() {
        Map::new()
    } else {
        serde_json::from_str(variables).unwrap()
    };
    let words: Vec<&str> = words.split_whitespace().collect();
    let numbers = if words.contains(&"integers") {
        Numbers::Integer
    } else {
        Numbers::Double
    };
    let mode = match words.first() {
        Some(&"parse") => Mode::Parse,
        Some(&"bool") => Mode::Check(Type::Bool, numbers),
        Some(&"string") => Mode::Check(Type::String, numbers),
        Some(&"dynamic") => Mode::Check(Type::Dynamic, numbers),
        other => panic!("no such setting: {other:?}"),
    };
    Setting { mode, variables }
}
