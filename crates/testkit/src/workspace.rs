//! Where things are in this checkout.

use std::path::PathBuf;

/// The root of the checkout.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .map_or_else(|| here.clone(), std::path::Path::to_path_buf)
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, or `target` in the root.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The manifests of the custom resource definitions.
pub fn crds() -> PathBuf {
    root().join("deploy/crds")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(super::root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }
}
