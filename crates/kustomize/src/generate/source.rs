//! Where a generator's pairs come from: environment files, literals, files, in this order.
//!
//! Source: kustomize `api/kv/kv.go` (api 0.21.1).

use std::collections::HashSet;

use crate::error::{Error, Result, ResultExt as _};
use crate::file::base_name;
use crate::kustomization::GeneratorArgs;
use crate::load::Loader;

/// A line of an environment file that is longer ends the file, as Go's scanner does.
const MAX_LINE: usize = 64 * 1024;
const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Returns all pairs; a key that comes twice is an error.
pub(super) fn pairs(args: &GeneratorArgs, loader: &Loader<'_>) -> Result<Vec<(String, Vec<u8>)>> {
    let mut pairs = Vec::new();
    for path in &args.envs {
        let content = loader
            .load(path)
            .context(|| outer("env source files:", &args.envs))?;
        env_file(&content, &mut pairs).context(|| outer("env source files:", &args.envs))?;
    }
    for literal in &args.literals {
        pairs.push(literal_pair(literal).context(|| outer("literal sources", &args.literals))?);
    }
    for source in &args.files {
        let (key, path) = file_source(source)?;
        let content = loader
            .load(path)
            .context(|| outer("file sources:", &args.files))?;
        pairs.push((key.to_owned(), content.to_vec()));
    }
    let mut seen = HashSet::new();
    for (key, _) in &pairs {
        if !seen.insert(key.as_str()) {
            return Err(Error::invalid(format!(
                "configmap {} illegally repeats the key `{key}`",
                args.name
            )));
        }
    }
    Ok(pairs)
}

/// Names the list that a source is in, as Go prints lists.
fn outer(what: &str, sources: &[String]) -> String {
    format!("loading KV pairs: {what} [{}]", sources.join(" "))
}

fn env_file(content: &[u8], pairs: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for (number, line) in content.split(|b| *b == b'\n').enumerate() {
        if line.len() > MAX_LINE {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = std::str::from_utf8(line).map_err(|_| {
            Error::invalid(format!(
                "line {} has invalid utf8 bytes : {:?}",
                number + 1,
                String::from_utf8_lossy(line)
            ))
        })?;
        let line = if number == 0 {
            std::str::from_utf8(&BOM)
                .ok()
                .and_then(|bom| line.strip_prefix(bom))
                .unwrap_or(line)
        } else {
            line
        };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(())
}

fn literal_pair(source: &str) -> Result<(String, Vec<u8>)> {
    let invalid = || {
        Error::invalid(format!(
            "invalid literal source {source}, expected key=value"
        ))
    };
    let (key, value) = source.split_once('=').ok_or_else(invalid)?;
    if key.is_empty() {
        return Err(invalid());
    }
    Ok((key.to_owned(), unquote(value).as_bytes().to_vec()))
}

/// Removes one pair of equal quotes.
fn unquote(text: &str) -> &str {
    for quote in ['"', '\''] {
        if text.len() >= 2
            && let Some(inner) = text
                .strip_prefix(quote)
                .and_then(|text| text.strip_suffix(quote))
        {
            return inner;
        }
    }
    text
}

fn file_source(source: &str) -> Result<(&str, &str)> {
    let invalid = |text: String| Err(Error::invalid(text));
    match source.split_once('=') {
        None => Ok((base_name(source.trim_end_matches('/')), source)),
        Some(("", _)) => invalid(format!("missing key name for file path {source} in files")),
        Some((_, "")) => invalid(format!("missing file path for key name {source} in files")),
        Some((_, path)) if path.contains('=') => invalid(format!(
            "source {source} key name or file path contains '='"
        )),
        Some(pair) => Ok(pair),
    }
}

#[cfg(test)]
mod tests {
    use super::{env_file, file_source, literal_pair, unquote};

    #[test]
    fn env_lines() {
        let mut pairs = Vec::new();
        env_file(b"\xEF\xBB\xBFA=1\r\n\n # no\n  B = x=y \nC\n", &mut pairs).unwrap();
        let want = [("A", "1"), ("B ", " x=y "), ("C", "")];
        let got: Vec<_> = pairs
            .iter()
            .map(|(k, v)| (k.as_str(), std::str::from_utf8(v).unwrap()))
            .collect();
        assert_eq!(got, want);
        assert!(env_file(b"A=\xff", &mut pairs).is_err());
    }

    #[test]
    fn literals_and_files() {
        assert_eq!(
            literal_pair("a='b=c'").unwrap(),
            ("a".to_owned(), b"b=c".to_vec())
        );
        assert!(literal_pair("=b").is_err() && literal_pair("ab").is_err());
        assert_eq!((unquote("\"a'"), unquote("'")), ("\"a'", "'"));
        assert_eq!(file_source("d/f.txt").unwrap(), ("f.txt", "d/f.txt"));
        assert_eq!(file_source("k=f").unwrap(), ("k", "f"));
        for bad in ["=f", "k=", "a=b=c"] {
            assert!(file_source(bad).is_err(), "{bad}");
        }
    }
}
