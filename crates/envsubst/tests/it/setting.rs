//! What templates are given, and both answers.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex},
};

use envsubst::Template;
use oracle::Oracle;
use serde_json::json;

/// The value, or the error's text.
pub(crate) type Answer = Result<Vec<u8>, String>;

static ORACLE: LazyLock<Mutex<Oracle>> = LazyLock::new(|| Mutex::new(Oracle::start("postbuild")));

/// Variables, and whether one that is not there is an error.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) variables: BTreeMap<&'static str, &'static str>,
    pub(crate) strict: bool,
}

impl Setting {
    /// What this crate says.
    pub(crate) fn ours(&self, text: &str) -> Answer {
        let template = Template::parse(text).map_err(|error| error.to_string())?;
        let lookup = |name: &str| {
            let value = self.variables.get(name).map(|value| value.as_bytes());
            value.or_else(|| (!self.strict).then_some(&[][..]))
        };
        template.evaluate(lookup).map_err(|error| error.to_string())
    }

    /// What Flux's module says.
    pub(crate) fn theirs(&self, text: &str) -> Answer {
        let settings = json!({"variables": self.variables, "strict": self.strict}).to_string();
        let mut oracle = ORACLE.lock().unwrap();
        oracle.ask(&[b"text", settings.as_bytes(), text.as_bytes()])
    }

    /// Compares both; where theirs panics, ours says what is wrong.
    pub(crate) fn check(&self, text: &str) {
        let (ours, theirs) = (self.ours(text), self.theirs(text));
        match &theirs {
            Err(error) if error.starts_with("panic:") => {
                assert!(ours.is_err(), "{text:?} with {self:?}: {ours:?}");
            }
            _ => assert_eq!(ours, theirs, "{text:?} with {self:?}"),
        }
    }
}
