//! `cargo xtask images`: the controllers' images from the release build, with their sizes.

use anyhow::Result;
use testkit::image::{CONTROLLERS, Store};
use testkit::workspace;

use crate::release;

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// The tag of the images.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// Where they will be pushed to: the chart's `image.registry`.
    #[arg(long, default_value = "registry.example.org/perigee")]
    registry: String,
}

/// Builds all images into target/images and prints how they get from there to a registry.
pub(crate) fn run(flags: &Flags) -> Result<()> {
    let binaries = release::build_controllers()?;
    let home = workspace::target().join("images");
    let store = Store::new(&home)?;
    println!("{:<48} {:>8}  id", "image", "size");
    for controller in CONTROLLERS {
        let image = store.build(controller, &binaries, &flags.tag)?;
        let megabytes = image.size.div_ceil(1 << 20);
        println!("{:<48} {megabytes:>5} MB  {}", image.name, image.id);
    }
    println!("\nPush them:");
    for controller in CONTROLLERS {
        println!(
            "buildah --storage-driver=vfs --root={0}/storage --runroot={0}/run push localhost/{controller}:{1} docker://{2}/{controller}:{1}",
            home.display(),
            flags.tag,
            flags.registry
        );
    }
    Ok(())
}
