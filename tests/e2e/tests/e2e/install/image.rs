//! The images, from the programs under test.

use std::os::unix::fs::MetadataExt;

use anyhow::Result;
use serde_json::json;
use testkit::image::{CONTROLLERS, Store};

use crate::cluster;

#[test]
fn images_are_reproducible_run_without_rights_and_hold_nothing_else() -> Result<()> {
    let home = tempfile::tempdir()?;
    let store = Store::new(home.path())?;
    let binaries = cluster::binaries()?;
    for controller in CONTROLLERS {
        let image = store.build(controller, &binaries, "test")?;
        let program = std::fs::metadata(binaries.join(controller))?.size();
        println!(
            "{}: {} MB, of which the program {} MB",
            image.name,
            image.size >> 20,
            program >> 20
        );
        assert!(
            image.size - program < 16 << 20,
            "{} bytes around the program",
            image.size - program
        );

        let again = store.build(controller, &binaries, "again")?;
        assert_eq!(image.id, again.id, "{controller} is not reproducible");

        let config = &store.inspect(&image.name)?["OCIv1"]["config"];
        assert_eq!(config["User"], "65534:65534");
        assert_eq!(config["Entrypoint"], json!([format!("/{controller}")]));
        let help = store.run(&image, &["--help"])?;
        assert!(help.contains("--kube-api-qps"), "{help}");
    }
    Ok(())
}
