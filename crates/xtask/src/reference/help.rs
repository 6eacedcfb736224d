//! What a program prints for `--help`, taken apart. Source: clap's help, in its short and its long form.

/// The column at which an entry begins at the latest; what continues one begins further right.
const ENTRY: usize = 6;

/// A flag or an argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// As it is typed, with the name of its value.
    pub(super) usage: String,
    pub(super) meaning: String,
    /// Empty without one.
    pub(super) default: String,
    /// The variable that sets it too; empty without one.
    pub(super) env: String,
    /// What it may be, and what each means where that is said; empty when anything goes.
    pub(super) values: Vec<(String, String)>,
}

impl Entry {
    fn new(usage: &str, meaning: &str) -> Self {
        Self {
            usage: without_echo(usage),
            meaning: meaning.trim().to_owned(),
            default: String::new(),
            env: String::new(),
            values: Vec::new(),
        }
    }

    fn go_on(&mut self, text: &str) {
        let value = text
            .strip_prefix("- ")
            .and_then(|text| text.split_once(':'));
        if let Some((name, meaning)) = value {
            let meaning = meaning.trim().to_owned();
            self.values.push((name.to_owned(), meaning));
        } else if text != "Possible values:" {
            self.meaning.push(' ');
            self.meaning.push_str(text);
        }
    }

    /// Takes what stands in brackets out of the meaning.
    fn finish(mut self) -> Self {
        let env = take(&mut self.meaning, "env: ");
        env.split('=')
            .next()
            .unwrap_or_default()
            .clone_into(&mut self.env);
        self.default = take(&mut self.meaning, "default: ").replace("\"\"", "");
        let values = take(&mut self.meaning, "possible values: ");
        // Of a switch nobody needs to be told.
        if !values.is_empty() && values != "true, false" {
            let names = values.split(", ");
            self.values = names.map(|name| (name.to_owned(), String::new())).collect();
        }
        Self {
            meaning: self.meaning.trim().to_owned(),
            ..self
        }
    }
}

/// Returns how a program is called.
pub(super) fn usage(help: &str) -> Option<&str> {
    help.lines().find_map(|line| line.strip_prefix("Usage: "))
}

/// Returns the entries in their order, without those that each program has.
pub(super) fn entries(help: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut within = false;
    for line in help.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.is_empty() {
            continue;
        }
        if indent == 0 {
            // A heading, or the text above the first one.
            within = text.ends_with(':') && text != "Commands:";
        } else if within && indent <= ENTRY && text.starts_with(['-', '<', '[']) {
            let (usage, meaning) = text.split_once("  ").unwrap_or((text, ""));
            entries.push(Entry::new(usage, meaning));
        } else if within && let Some(entry) = entries.last_mut() {
            entry.go_on(text);
        }
    }
    let own =
        |entry: &Entry| !entry.usage.ends_with("--help") && !entry.usage.ends_with("--version");
    entries.into_iter().filter(own).map(Entry::finish).collect()
}

/// Drops the name of a value that only repeats the flag's: `--log-level <LOG_LEVEL>`.
fn without_echo(usage: &str) -> String {
    let value = usage.find(['<', '[']).unwrap_or(usage.len());
    let (flag, value) = usage.split_at(value);
    let flag = flag.trim_end();
    let (_, name) = flag.rsplit_once("--").unwrap_or_default();
    let echo: Vec<_> = name.split('-').collect();
    let plain = value.trim_matches(['[', '=', '<', '>', ']']);
    if !name.is_empty() && plain.eq_ignore_ascii_case(&echo.join("_")) {
        flag.to_owned()
    } else {
        usage.to_owned()
    }
}

/// Cuts `[name…]` out of the text and returns what it says.
fn take(text: &mut String, name: &str) -> String {
    let Some(start) = text.find(&format!("[{name}")) else {
        return String::new();
    };
    let Some(length) = text.get(start..).and_then(|rest| rest.find(']')) else {
        return String::new();
    };
    let group: String = text.drain(start..=start + length).collect();
    let inner = group.trim_matches(['[', ']']);
    inner.strip_prefix(name).unwrap_or(inner).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(
        usage: &str,
        meaning: &str,
        default: &str,
        env: &str,
        values: &[(&str, &str)],
    ) -> Entry {
        let own = |text: &str| text.to_owned();
        Entry {
            usage: own(usage),
            meaning: own(meaning),
            default: own(default),
            env: own(env),
            values: values
                .iter()
                .map(|(name, text)| (own(name), own(text)))
                .collect(),
        }
    }

    #[test]
    fn both_forms_of_help() {
        let short = "Does things

Usage: thing [OPTIONS]

Options:
      --log-level <LOG_LEVEL>  Verbosity [default: info] [possible values: info, debug]
      --on[=<ON>]              Switch [default: false] [possible values: true, false]
  -o, --output <PATH>          Where to
                               [env: OUT=] [default: \"\"]
  -h, --help                   Print help
";
        let long = "Usage: thing [OPTIONS] [DIR]

Arguments:
  [DIR]
          What to read

Options:
      --log-level <LOG_LEVEL>
          Verbosity

          Possible values:
          - info:  What changed
          - debug: Decisions

          [default: info]

  -V, --version
          Print version
";
        let (info, debug) = (("info", "What changed"), ("debug", "Decisions"));
        let expected = [
            entry(
                "--log-level",
                "Verbosity",
                "info",
                "",
                &[("info", ""), ("debug", "")],
            ),
            entry("--on", "Switch", "false", "", &[]),
            entry("-o, --output <PATH>", "Where to", "", "OUT", &[]),
        ];
        assert_eq!(entries(short), expected);
        let expected = [
            entry("[DIR]", "What to read", "", "", &[]),
            entry("--log-level", "Verbosity", "info", "", &[info, debug]),
        ];
        assert_eq!(entries(long), expected);
        assert_eq!(usage(long), Some("thing [OPTIONS] [DIR]"));
    }
}
