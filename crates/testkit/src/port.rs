//! Free ports on the loopback interface, for programs that cannot be told "any".

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// Returns `N` different free ports.
///
/// They are free at the time of the call; whoever uses them must be ready to try again.
///
/// # Errors
/// If the system has none left.
pub fn free<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    // All are held until the last is known, so that they differ.
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
        *port = listener.local_addr().context("find a free port")?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ports_differ() {
        let mut ports = super::free::<20>().unwrap();
        ports.sort_unstable();
        assert!(
            ports[0] > 0 && ports.windows(2).all(|pair| pair[0] < pair[1]),
            "{ports:?}"
        );
    }
}
