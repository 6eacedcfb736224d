//! Variables in objects, against Flux's own module.
//!
//! A directory `tests/conformance/kustomize-post-build/<case>` holds the objects and, in `settings.json`, what they are
//! evaluated with. What is right is what `tests/oracles/postbuild` says: the same output, or the same error.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use ::oracle::Oracle;
use kustomize::{MemoryTree, Options, ParseCache, flux};
use proptest::prelude::*;
use serde_json::{Value, json};

static ORACLE: LazyLock<Mutex<Oracle>> = LazyLock::new(|| Mutex::new(Oracle::start("postbuild")));

/// Cases that fail here with another text than upstream's, and why.
const OTHER_TEXT: [(&str, &str); 4] = [
    ("same-id-as-earlier", TELLS_WHICH),
    ("same-id-as-later", TELLS_WHICH),
    ("same-id-by-default-namespace", TELLS_WHICH),
    ("same-id-cluster-scoped", TELLS_WHICH),
];
const TELLS_WHICH: &str = "upstream does not name the objects";

/// What is put in, and how.
#[derive(Debug, Clone, Default)]
struct Settings {
    variables: BTreeMap<String, String>,
    strict: bool,
    always: bool,
}

impl Settings {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("settings");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let variables = value["variables"].as_object().into_iter().flatten();
        Self {
            variables: variables
                .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
                .collect(),
            strict: value["strict"].as_bool().unwrap_or(true),
            always: value["always"].as_bool().unwrap_or(false),
        }
    }

    fn ours(&self, objects: &str) -> Result<String, String> {
        let mut tree = MemoryTree::default();
        tree.insert("kustomization.yaml", "resources: [objects.yaml]\n");
        tree.insert("objects.yaml", objects);
        let cache = ParseCache::default();
        let spec = flux::Spec::default();
        let built = flux::build(&tree, "", &spec, &Options::default(), &cache);
        let mut built = built.map_err(|failure| failure.to_string())?;
        let value = |text: &String| text.replace('\n', "").into_bytes();
        let variables = flux::Variables {
            values: self
                .variables
                .iter()
                .map(|(name, text)| (name.clone(), value(text)))
                .collect(),
            strict: self.strict,
            always: self.always,
        };
        flux::substitute(&mut built, Ok(&variables)).map_err(|error| error.chain().to_string())?;
        let yaml = built.to_yaml().map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(&yaml).into_owned())
    }

    fn theirs(&self, objects: &str) -> Result<String, String> {
        let settings =
            json!({"variables": self.variables, "strict": self.strict, "always": self.always});
        let settings = settings.to_string();
        let question = [b"objects", settings.as_bytes(), objects.as_bytes()];
        let answer = ORACLE.lock().expect("no panic").ask(&question);
        answer.map(|yaml| String::from_utf8_lossy(&yaml).into_owned())
    }
}

#[test]
fn all_cases_agree_with_flux() {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/kustomize-post-build");
    let mut cases: Vec<_> = fs::read_dir(root)
        .expect("the cases")
        .map(|case| case.expect("a case").path())
        .collect();
    cases.sort();
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case.file_name().expect("a name").to_string_lossy();
        let objects = fs::read_to_string(case.join("objects.yaml")).expect("objects");
        let settings = Settings::read(&case.join("settings.json"));
        let (ours, theirs) = (settings.ours(&objects), settings.theirs(&objects));
        let both_fail = OTHER_TEXT.iter().any(|(case, _)| *case == name);
        if ours != theirs && !(both_fail && ours.is_err() && theirs.is_err()) {
            wrong.push(format!("== {name}\nours: {ours:?}\ntheirs: {theirs:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// Scalars, as they stand in a file: some with variables, some that are read in their own way.
fn scalar() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "a", "1", "-", ".", "e", "0x", " ", "é", "$", "$$", "#", ":", "true", "null", "~", "_", "9007199254740993", "1.5",
        ]).prop_map(str::to_owned),
        3 => prop::sample::select(vec!["${v}", "${n}", "${missing:=2}", "${v^^}", "${n:0:1}", "${missing:-x y}", "${q}"])
            .prop_map(str::to_owned),
    ];
    let text = prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat());
    (text, 0..4).prop_map(|(text, style)| match style {
        0 => format!("\"{text}\""),
        1 => format!("'{text}'"),
        2 => format!("|\n      {text}\n      more"),
        _ => text,
    })
}

/// Values that make something else of where they stand.
fn value() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        "x",
        "1",
        "007",
        "1e3",
        "12345678901234567890",
        "yes",
        "null",
        "- a",
        "{b: c}",
        "[1, 'x']",
        "a: b",
        "\"",
        "'",
        "# c",
        "&x y",
        "*x",
        "!!str 1",
        "|",
        "é",
        "a\nb",
        "%",
        "@",
        "`",
        "? x",
        "-",
        "0o17",
        "2024-01-01",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn objects_come_out_as_from_flux(
        scalars in prop::collection::vec(scalar(), 1..6),
        values in prop::collection::vec(value(), 3),
        strict: bool,
    ) {
        let mut objects = "apiVersion: v1\nkind: Thing\nmetadata: {name: a}\nspec:\n".to_owned();
        for (at, scalar) in scalars.iter().enumerate() {
            writeln!(objects, "  k{at}: {scalar}").expect("a string takes it");
        }
        let names = ["v", "n", "q"].map(str::to_owned);
        let settings = Settings {
            variables: names.into_iter().zip(values).collect(),
            strict,
            always: false,
        };
        let (ours, theirs) = (settings.ours(&objects), settings.theirs(&objects));
        // What cannot be read in the first place is another test's.
        prop_assume!(theirs.as_ref().err().is_none_or(|error| error.starts_with("post build")));
        prop_assert_eq!(ours.as_ref().ok(), theirs.as_ref().ok(), "{:?} {:?}\n{}", ours, theirs, objects);
    }
}
