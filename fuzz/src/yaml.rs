//! Reads bytes in every way that the `yaml` crate reads, prints what was read, and reads that again.
//!
//! Whatever the bytes are: no panic, and no overflow of the stack. Time and memory are bounded by who runs this. What was
//! printed need not be readable: as in Go, a key `<<` is printed without quotes, and control characters pass through.

/// One run.
pub(crate) fn run(bytes: &[u8]) {
    if let Ok(Some(node)) = yaml::parse_first_bytes(bytes) {
        tree(&node);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        for mut node in yaml::parse_documents(text).unwrap_or_default() {
            if node.inflate_merges().is_ok() {
                tree(&node);
            }
        }
        for line in text.lines().take(64) {
            yaml::v3::resolve_tag(line);
        }
    }
    if let Ok(value) = yaml::v2::to_json(bytes)
        && let Ok(printed) = yaml::v2::emit(&value)
    {
        drop(yaml::v2::to_json(&printed));
    }
}

fn tree(node: &yaml::Node) {
    let mut json = Vec::new();
    if let Ok(value) = yaml::v3::to_json(node) {
        yaml::write_json(&value, &mut json);
        drop(yaml::v2::to_json(&json));
    }
    let mut printed = Vec::new();
    if yaml::v2::emit_node(node, &mut printed).is_ok() {
        drop(yaml::v2::to_json(&printed));
    }
    let mut rewritten = Vec::new();
    yaml::v3::emit(node, &mut rewritten);
    drop(yaml::parse_first_bytes(&rewritten));
}
