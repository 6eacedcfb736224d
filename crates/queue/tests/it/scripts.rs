//! Replays `tests/scripts/*.txt` against [`State`].
//!
//! A file holds cases, each headed by `== title`. A line is an action and, after `->`, what it
//! answers; an action without `->` must answer nothing. `#` starts a comment.
//!
//! ```text
//! add KEY CLASS [in DELAY] -> [supersedes]
//! wake KEY CLASS
//! forget KEY               -> [supersedes]
//! take                     -> KEY CLASS CAUSE | nothing
//! finish KEY done | again DELAY | retry | wait [DELAY]
//! pass DELAY               lets time pass
//! next                     -> DELAY | never
//! counts                   -> waiting N ready N running N parked N
//! depth                    -> the depth metric by class: URGENT DRIFT MOVE INTERVAL
//! adds | retries | active  -> N
//! queued | worked          -> the last value observed
//! unfinished               -> TOTAL LONGEST
//! ```

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use queue::{Backoff, Class, Outcome, State, Taken, Time};

use super::recorder::Recorder;

#[test]
fn scripts() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scripts");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut case: Option<Case> = None;
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if let Some(title) = line.strip_prefix("==") {
                case = Some(Case::new(title.trim()));
            } else if !line.is_empty() {
                let case = case.as_mut().expect("a line before the first title");
                let (action, expected) = line.split_once("->").unwrap_or((line, ""));
                let answer = case.step(action);
                assert_eq!(
                    answer,
                    expected.trim(),
                    "{}:{}: {}: {}",
                    file.display(),
                    number + 1,
                    case.title,
                    action.trim(),
                );
            }
        }
    }
}

struct Case {
    title: String,
    state: State<String>,
    metrics: Recorder,
    now: Time,
}

impl Case {
    fn new(title: &str) -> Self {
        let metrics = Recorder::default();
        let state = State::new(Backoff::default(), Arc::new(metrics.clone()));
        Self {
            title: title.to_owned(),
            state,
            metrics,
            now: Time::ZERO,
        }
    }

    fn step(&mut self, action: &str) -> String {
        let words: Vec<&str> = action.split_whitespace().collect();
        let metrics = self.metrics.read();
        match words[..] {
            ["add", key, class] => self.add(key, class, Duration::ZERO),
            ["add", key, class, "in", delay] => self.add(key, class, duration(delay)),
            ["wake", key, name] => {
                self.state.wake(&key.to_owned(), class(name), self.now);
                String::new()
            }
            ["forget", key] => supersedes(self.state.forget(&key.to_owned(), self.now)),
            ["take"] => match self.state.take(self.now) {
                None => "nothing".to_owned(),
                Some(Taken { key, class, cause }) => {
                    format!("{key} {class:?} {cause:?}").to_lowercase()
                }
            },
            ["finish", key, ref outcome @ ..] => {
                let outcome = match *outcome {
                    ["done"] => Outcome::Done,
                    ["again", delay] => Outcome::Again(duration(delay)),
                    ["retry"] => Outcome::Retry,
                    ["wait"] => Outcome::Wait { deadline: None },
                    ["wait", delay] => Outcome::Wait {
                        deadline: Some(duration(delay)),
                    },
                    _ => panic!("unknown outcome: {action}"),
                };
                self.state.finish(&key.to_owned(), outcome, self.now);
                String::new()
            }
            ["pass", delay] => {
                self.now = self.now.after(duration(delay));
                self.state.advance(self.now);
                String::new()
            }
            ["next"] => match self.state.next_due() {
                None => "never".to_owned(),
                Some(due) => format!("{:?}", due.since(self.now)),
            },
            ["counts"] => {
                let counts = self.state.counts();
                format!(
                    "waiting {} ready {} running {} parked {}",
                    counts.waiting,
                    counts.ready.total(),
                    counts.running,
                    counts.parked,
                )
            }
            ["depth"] => metrics
                .depth
                .map(|keys| keys.unwrap().to_string())
                .join(" "),
            ["adds"] => metrics.added.to_string(),
            ["retries"] => metrics.retried.to_string(),
            ["active"] => metrics.active.unwrap().to_string(),
            ["queued"] => format!("{:?}", metrics.queued.last().unwrap()),
            ["worked"] => format!("{:?}", metrics.worked.last().unwrap()),
            ["unfinished"] => {
                let unfinished = self.state.unfinished(self.now);
                format!("{:?} {:?}", unfinished.total, unfinished.longest)
            }
            _ => panic!("unknown action: {action}"),
        }
    }

    fn add(&mut self, key: &str, name: &str, after: Duration) -> String {
        supersedes(self.state.add(key.to_owned(), class(name), after, self.now))
    }
}

fn supersedes(outdated: bool) -> String {
    if outdated { "supersedes" } else { "" }.to_owned()
}

fn class(name: &str) -> Class {
    Class::ALL
        .into_iter()
        .find(|class| format!("{class:?}").eq_ignore_ascii_case(name))
        .unwrap_or_else(|| panic!("unknown class: {name}"))
}

fn duration(text: &str) -> Duration {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let number = digits.parse().unwrap();
    match text.strip_prefix(digits).unwrap() {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        unit => panic!("unknown unit: {unit}"),
    }
}
