//! Ports for servers that cannot have the system choose one: proxies, and what a page starts.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

/// A port of 127.0.0.1 that nobody listens at, that the system gives to no connection by itself, and that no other test
/// gets as long as this process runs.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Who holds a port here holds it there, too: nobody serves at that address.
    static CLAIMS: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let first = 20_000 + u16::try_from(std::process::id() % 1_200).unwrap() * 10;
    let mut candidates = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed)).take(700);
    let free = candidates.find_map(|port| {
        let claim = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), port)).ok()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpListener::bind(address).ok()?;
        CLAIMS.lock().unwrap().push(claim);
        Some(address)
    });
    free.unwrap_or_else(|| panic!("none of 700 ports is free"))
}
