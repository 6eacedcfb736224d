//! A page per program: its flags, from its own help, and what the help does not show, from its source.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use testkit::workspace;

use super::markdown::{code, table};
use super::{CONTROLLERS, NOTE, help, source};

/// The subcommands of `perigee` that have flags.
const COMMANDS: [&[&str]; 2] = [&["build"], &["generate", "kustomizations"]];

/// Pages by file name.
///
/// # Errors
/// When a program does not run, or says nothing.
pub(super) fn pages(root: &Path) -> Result<Vec<(String, String)>> {
    let mut pages = Vec::new();
    for name in CONTROLLERS {
        pages.push((format!("{name}.md"), controller(root, name)?));
    }
    pages.push(("perigee.md".to_owned(), perigee()?));
    Ok(pages)
}

fn controller(root: &Path, name: &str) -> Result<String> {
    let mut out = format!("{NOTE}# Flags of {name}\n\n");
    flags(&mut out, name, &[])?;
    let own = source::read(&root.join(format!("crates/{name}/src/flags.rs")))?;
    let gates: Vec<_> = source::gates(&own)
        .iter()
        .map(|(gate, default)| vec![code(gate), code(default)])
        .collect();
    ensure!(!gates.is_empty(), "{name} has no feature gates");
    out.push_str(
        "\n## Feature gates\n\n`--feature-gates Name=true,…`; an unknown name is an error.\n\n",
    );
    table(&mut out, &["gate", "default"], &gates);

    let shared = source::read(&root.join("crates/runtime/src/flags.rs"))?;
    let hidden: BTreeMap<_, _> = [&own, &shared]
        .into_iter()
        .flat_map(|source| source::hidden(source))
        .map(|hidden| (hidden.flag, hidden.env))
        .collect();
    let with_env: Vec<_> = hidden
        .iter()
        .filter_map(|(flag, env)| Some(vec![code(env.as_ref()?), code(flag)]))
        .collect();
    if !with_env.is_empty() {
        out.push_str("\n## Environment\n\nBeside the variables above:\n\n");
        table(&mut out, &["variable", "flag"], &with_env);
    }
    let accepted: Vec<_> = hidden
        .iter()
        .filter(|(_, env)| env.is_none())
        .map(|(flag, _)| vec![code(flag)])
        .collect();
    if !accepted.is_empty() {
        out.push_str(
            "\n## Accepted for what is not there yet\n\nFlags of Flux that have no effect here, so that a deployment's \
             arguments need no edit. One that restricts what may be done is refused when it is set.\n\n",
        );
        table(&mut out, &["flag"], &accepted);
    }
    Ok(out)
}

fn perigee() -> Result<String> {
    let mut out = format!("{NOTE}# Flags of perigee\n");
    for command in COMMANDS {
        out.push_str("\n## perigee ");
        out.push_str(&command.join(" "));
        out.push_str("\n\n");
        flags(&mut out, "perigee", command)?;
    }
    Ok(out)
}

/// Adds the table of what the help shows.
fn flags(out: &mut String, name: &str, command: &[&str]) -> Result<()> {
    let help = print(name, command)?;
    if let Some(usage) = help::usage(&help).filter(|_| !command.is_empty()) {
        out.push_str(&code(usage));
        out.push_str("\n\n");
    }
    let rows: Vec<_> = help::entries(&help)
        .into_iter()
        .map(|entry| {
            let values: Vec<_> = entry
                .values
                .iter()
                .map(|(name, meaning)| format!("{} {meaning}", code(name)).trim_end().to_owned())
                .collect();
            let colon = if values.is_empty() { "" } else { ": " };
            vec![
                code(&entry.usage),
                code(&entry.default),
                code(&entry.env),
                format!("{}{colon}{}", entry.meaning, values.join("; ")),
            ]
        })
        .collect();
    ensure!(
        !rows.is_empty(),
        "{name} {} has no flags",
        command.join(" ")
    );
    table(out, &["flag", "default", "environment", ""], &rows);
    Ok(())
}

fn print(name: &str, command: &[&str]) -> Result<String> {
    let path = workspace::target().join("debug").join(name);
    // Help shows values of the environment, which are not the program's.
    let output = Command::new(&path)
        .args(command)
        .arg("--help")
        .env_clear()
        .output()
        .with_context(|| format!("run {}", path.display()))?;
    if !output.status.success() {
        bail!("{} --help failed ({})", path.display(), output.status);
    }
    String::from_utf8(output.stdout).context("read the help")
}
