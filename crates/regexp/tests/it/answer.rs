//! What a pattern finds, by Go and by us.

use std::fmt::Write as _;
use std::sync::{LazyLock, Mutex};

use oracle::Oracle;
use regexp::Pattern;

/// Where a pattern is found, a byte for each text; or the error's text.
type Answer = Result<String, String>;

fn theirs(pattern: &str, texts: &[&str]) -> Answer {
    static GO: LazyLock<Mutex<Oracle>> = LazyLock::new(|| Mutex::new(Oracle::start("regexp")));
    let question = [pattern].into_iter().chain(texts.iter().copied());
    let question: Vec<&[u8]> = question.map(str::as_bytes).collect();
    let answer = GO.lock().unwrap().ask(&question);
    answer.map(|found| String::from_utf8(found).unwrap())
}

fn ours(pattern: &str, texts: &[&str]) -> Answer {
    let pattern = Pattern::new(pattern).map_err(|error| error.to_string())?;
    let found = texts.iter().map(|text| pattern.is_match(text));
    Ok(found.map(|found| if found { '1' } else { '0' }).collect())
}

/// Compares both; the error is a report.
pub(super) fn compare(pattern: &str, texts: &[&str]) -> Result<(), String> {
    let (ours, theirs) = (ours(pattern, texts), theirs(pattern, texts));
    if ours == theirs {
        return Ok(());
    }
    let mut report = format!("{pattern:?}\n  ours   {ours:?}\n  theirs {theirs:?}\n");
    if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
        for ((text, ours), theirs) in texts.iter().zip(ours.chars()).zip(theirs.chars()) {
            if ours != theirs {
                writeln!(report, "  {text:?}: {ours}, not {theirs}").unwrap();
            }
        }
    }
    Err(report)
}
