//! The notification-controller binary.

use clap::Parser;
use notifier::CloudEnvironment;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<()> {
    runtime::http::install_tls_provider();
    let flags = notification_controller::flags::Flags::parse();
    let cloud = CloudEnvironment::read(|name| std::env::var(name).ok());
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(notification_controller::run(flags, cloud))
}
