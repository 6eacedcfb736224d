//! libFuzzer's entry to the YAML parsers, resolvers and emitters.
#![no_main]

#[path = "../src/yaml.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
