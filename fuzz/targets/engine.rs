//! libFuzzer's entry to the build engine.
#![no_main]

#[path = "../src/archive.rs"]
mod archive;
#[path = "../src/engine.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
