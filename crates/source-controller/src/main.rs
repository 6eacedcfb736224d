//! The source-controller binary.

use clap::Parser;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<()> {
    runtime::http::install_tls_provider();
    let flags = source_controller::flags::Flags::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(source_controller::run(flags));
    // An archive that is still being written would hold up the end; what it leaves behind is swept up by the next run.
    runtime.shutdown_background();
    result
}
