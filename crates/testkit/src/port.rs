//! Free ports on the loopback interface, for programs that cannot be told "any".
//!
//! Between the choice of a port and its use, and while a program is started again, anybody may take it whom the system
//! gives one: each connection, each listener on port 0. So ports are chosen below those that the system gives away,
//! and none twice in a process.

use std::{
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};

/// Fewer are too few to be worth it.
const ENOUGH: usize = 2000;

/// The ports to choose from.
static RANGE: LazyLock<Option<Range<u16>>> = LazyLock::new(|| {
    let given = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let end = given.split_whitespace().next()?.parse().ok()?;
    // Below are the places of services.
    let range = 10_000..end;
    (range.len() >= ENOUGH).then_some(range)
});

/// How many were looked at; from somewhere, so that processes seldom meet.
static NEXT: LazyLock<AtomicUsize> = LazyLock::new(|| {
    let anywhere = RandomState::new().hash_one(std::process::id());
    AtomicUsize::new(usize::from(
        u16::try_from(anywhere >> 48).unwrap_or_default(),
    ))
});

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
        let listener = listen().context("find a free port")?;
        *port = listener.local_addr().context("find a free port")?.port();
        held.push(listener);
    }
    Ok(ports)
}

fn listen() -> std::io::Result<TcpListener> {
    let on = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let ours = RANGE.clone().and_then(|range| {
        let place = || NEXT.fetch_add(1, Ordering::Relaxed) % range.len();
        let mut ports = (0..range.len()).filter_map(|_| range.clone().nth(place()));
        ports.find_map(|port| on(port).ok())
    });
    ours.map_or_else(|| on(0), Ok)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ports_differ() {
        let mut ports: Vec<_> = (0..5).flat_map(|_| super::free::<20>().unwrap()).collect();
        ports.sort_unstable();
        let differ = ports.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(ports[0] > 0 && differ, "{ports:?}");
    }
}
