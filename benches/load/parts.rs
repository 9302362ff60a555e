//! The figures.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use openssl::ssl::{Ssl, SslAcceptor, SslMethod, SslStream, SslVerifyMode, SslVersion};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use super::client::{Client, Connection, TOKEN};
use super::measure::{cpu_time, percentile, resident_kib};
use super::site::{Service, Site};

pub(crate) const CONNECTIONS: usize = 64;

/// Raw ES256 signing, the limit of a core.
pub(crate) struct RawSigning {
    pub(crate) per_second: f64,
}

/// Signs for `span` with ring, as a token does.
pub(crate) fn raw_signing(span: Duration) -> RawSigning {
    let rng = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).expect("a key");
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &rng).expect("a key");
    let message = [b'a'; 300];
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < span {
        for _ in 0..100 {
            black_box(key.sign(&rng, &message).expect("a signature"));
        }
        count += 100;
    }
    let per_second = f64::from(count) / began.elapsed().as_secs_f64();
    println!("raw ES256 signing (ring), one core: {per_second:.0}/s");
    RawSigning { per_second }
}

/// CPU microseconds of the service per request, and requests per second, under closed-loop load on kept connections.
fn load(service: &Service, client: &Client, path: &'static str, expected: u16, span: Duration) -> (f64, f64) {
    let open = || {
        let mut connection = client.connect();
        move || connection.get(path)
    };
    closed_loop(&[service.pid()], &open, expected, span)
}

/// CPU microseconds of these processes per request, and requests per second: as many clients as there are connections,
/// each opened once, each asking again as soon as it has its answer.
pub(crate) fn closed_loop<Ask: FnMut() -> u16>(
    pids: &[u32],
    open: &(dyn Fn() -> Ask + Sync),
    expected: u16,
    span: Duration,
) -> (f64, f64) {
    let used = || pids.iter().map(|pid| cpu_time(*pid)).sum::<Duration>();
    let count = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + span + Duration::from_millis(700);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            let count = Arc::clone(&count);
            scope.spawn(move || {
                let mut ask = open();
                while Instant::now() < end {
                    assert_eq!(ask(), expected);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(Duration::from_millis(500));
        let (cpu, requests, began) = (used(), count.load(Ordering::Relaxed), Instant::now());
        thread::sleep(span);
        let (cpu, requests, took) =
            (used().saturating_sub(cpu), count.load(Ordering::Relaxed) - requests, began.elapsed());
        (cpu.as_secs_f64() * 1e6 / requests as f64, requests as f64 / took.as_secs_f64())
    })
}

/// Tokens over kept connections, against an empty route of the same service and raw signing.
pub(crate) fn keep_alive(span: Duration, raw: &RawSigning) {
    let site = Site::new(0);
    let service = site.start();
    let client = Client::new(&site, service.address, SslVersion::TLS1_3, true);
    let (empty, _) = load(&service, &client, "/", 404, span);
    let (refused, _) = load(&service, &client, "/api/v1/auth/nobody", 404, span);
    let rows = || service.metric("bob_auth_audit_rows_written") + service.metric("bob_auth_audit_rows_lost");
    let before = rows();
    let (token, rate) = load(&service, &client, TOKEN, 200, span);
    let (after, lost) = (rows(), service.metric("bob_auth_audit_rows_lost"));
    let stranger = Client::new(&site, service.address, SslVersion::TLS1_3, false);
    let (no_certificate, _) = load(&service, &stranger, TOKEN, 401, span);
    let per_core = |micros: f64| 1e6 / micros;
    println!("\nkeep-alive, {CONNECTIONS} connections, TLS 1.3");
    println!("  empty route         {empty:7.1} us/request  {:8.0} per core", per_core(empty));
    println!("  refused, unknown id {refused:7.1} us/request  {:8.0} per core", per_core(refused));
    println!("  refused, no cert    {no_certificate:7.1} us/request  {:8.0} per core", per_core(no_certificate));
    println!("  token               {token:7.1} us/request  {:8.0} per core  ({rate:.0}/s seen)", per_core(token));
    println!("  audit rows meanwhile: {}, lost since the start: {lost}", after - before);
    println!("  token against raw signing: {:.3}", per_core(token) / raw.per_second);
    println!("  token against empty route: {:.3}", empty / token);
}

/// A token per new connection, against OpenSSL's own handshakes.
pub(crate) fn fresh_connections(span: Duration) {
    let site = Site::new(0);
    let service = site.start();
    println!("\nnew connection, client certificate P-256, one token each");
    for (version, name) in [(SslVersion::TLS1_3, "TLS 1.3"), (SslVersion::TLS1_2, "TLS 1.2")] {
        let client = Client::new(&site, service.address, version, true);
        let end = Instant::now() + span;
        let (cpu, count) = (cpu_time(service.pid()), Arc::new(AtomicU64::new(0)));
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (client, count) = (client.clone(), Arc::clone(&count));
                thread::spawn(move || {
                    while Instant::now() < end {
                        assert_eq!(client.connect().get(TOKEN), 200);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("every answer as expected");
        }
        let micros =
            cpu_time(service.pid()).saturating_sub(cpu).as_secs_f64() * 1e6 / count.load(Ordering::Relaxed) as f64;
        let handshake = raw_handshake(&site, version, span);
        println!(
            "  {name}: {micros:6.0} us ({:.0} per core); OpenSSL's handshake alone {handshake:6.0} us: {:.3} of its rate",
            1e6 / micros,
            handshake / micros
        );
    }
}

/// The server's part of a mutual handshake in memory, without tickets: microseconds.
fn raw_handshake(site: &Site, version: SslVersion, span: Duration) -> f64 {
    let (certificate, key) =
        super::site::certificate("localhost", bob_auth::crypto::issue_cert::Purpose::Client, &SystemRandom::new());
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("an acceptor");
    acceptor.set_certificate(&openssl::x509::X509::from_der(&certificate.der).expect("X.509")).expect("installed");
    let key = openssl::pkey::PKey::private_key_from_pkcs8(&key.to_pkcs8_der().expect("DER")).expect("a key");
    acceptor.set_private_key(&key).expect("installed");
    acceptor.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    acceptor.set_session_id_context(b"bench").expect("a context");
    #[cfg(not(feature = "aws-lc"))]
    acceptor.set_num_tickets(0).expect("no tickets");
    #[cfg(feature = "aws-lc")]
    acceptor.set_options(openssl::ssl::SslOptions::NO_TICKET);
    let context = acceptor.build().into_context();
    let address = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let at = address.local_addr().expect("an address");
    let client = Client::new(site, at, version, true);
    let end = Instant::now() + span;
    let connecting = thread::spawn(move || {
        while Instant::now() < end {
            drop(client.connect());
        }
    });
    let own = cpu_of_this_thread();
    let mut count = 0;
    while !connecting.is_finished() {
        address.set_nonblocking(true).expect("non-blocking");
        let Ok((stream, _)) = address.accept() else {
            thread::yield_now();
            continue;
        };
        stream.set_nonblocking(false).expect("blocking");
        let mut stream = SslStream::new(Ssl::new(&context).expect("TLS"), stream).expect("TLS");
        if stream.accept().is_ok() {
            count += 1;
        }
    }
    cpu_of_this_thread().saturating_sub(own).as_secs_f64() * 1e6 / f64::from(count)
}

fn cpu_of_this_thread() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).expect("a number"))
}

/// What one of the paced clients does.
#[derive(Clone, Copy)]
enum Pace {
    /// Asks the internal listener whether it is alive: no TLS, no token, the floor under the other figures.
    Alive,
    /// A token over a kept connection.
    Kept,
    /// A token over a new connection each.
    Fresh,
}

/// Latency at a given rate, as the client sees it: from the moment a request was due.
pub(crate) fn latency(span: Duration) {
    let site = Site::new(0);
    let service = site.start();
    let client = Client::new(&site, service.address, SslVersion::TLS1_3, true);
    println!("\nlatency at a given rate");
    for (rate, pace, name) in [
        (2_000_u32, Pace::Alive, "no TLS, no token"),
        (2_000, Pace::Kept, "kept connections"),
        (8_000, Pace::Alive, "no TLS, no token"),
        (8_000, Pace::Kept, "kept connections"),
        (300, Pace::Fresh, "new connections"),
    ] {
        let connections = CONNECTIONS as u32;
        let interval = Duration::from_secs(1) * connections / rate;
        let began = Instant::now() + Duration::from_millis(300);
        let threads: Vec<_> = (0..connections)
            .map(|number| {
                let (client, plain) = (client.clone(), service.internal);
                let first = began + interval * number / connections;
                thread::spawn(move || match pace {
                    Pace::Alive => {
                        let mut connection = Connection::plain(plain);
                        paced(first, interval, span, || connection.get("/health/live"))
                    }
                    Pace::Kept => {
                        let mut connection = client.connect();
                        paced(first, interval, span, || connection.get(TOKEN))
                    }
                    Pace::Fresh => paced(first, interval, span, || client.connect().get(TOKEN)),
                })
            })
            .collect();
        let mut all: Vec<Duration> = threads.into_iter().flat_map(|thread| thread.join().expect("answers")).collect();
        all.sort_unstable();
        let millis = |share| percentile(&all, share).as_secs_f64() * 1e3;
        println!(
            "  {rate:5}/s {name}: p50 {:7.3} ms, p99 {:7.3} ms, p99.9 {:7.3} ms ({} requests)",
            millis(0.5),
            millis(0.99),
            millis(0.999),
            all.len()
        );
    }
}

fn paced(first: Instant, interval: Duration, span: Duration, mut ask: impl FnMut() -> u16) -> Vec<Duration> {
    let (mut due, end) = (first, first + span);
    let mut latencies = Vec::new();
    while due < end {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        assert_eq!(ask(), 200);
        latencies.push(due.elapsed());
        due += interval;
    }
    latencies
}

/// Memory: idle, per kept connection, per 100,000 enrolled certificates.
pub(crate) fn memory() {
    let site = Site::new(0);
    let service = site.start();
    thread::sleep(Duration::from_millis(500));
    let idle = resident_kib(service.pid());
    let client = Client::new(&site, service.address, SslVersion::TLS1_3, true);
    let connections: Vec<_> = (0..1000)
        .map(|_| {
            let mut connection = client.connect();
            assert_eq!(connection.get(TOKEN), 200);
            connection
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    let with = resident_kib(service.pid());
    drop(connections);
    println!("\nmemory\n  idle {:.1} MiB; per kept connection {:.1} KiB", mib(idle), (with - idle) as f64 / 1000.0);
    drop(service);
    let large = Site::new(100_000);
    let service = large.start();
    thread::sleep(Duration::from_millis(1500));
    let enrolled = resident_kib(service.pid());
    println!("  per 100,000 enrolled certificates {:.1} MiB", mib(enrolled) - mib(idle));
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// From the start of the process to the first connection accepted.
pub(crate) fn start_up() {
    println!("\nstart to first accept");
    for entities in [0, 100_000] {
        let site = Site::new(entities);
        let mut times: Vec<_> = (0..7).map(|_| site.start().started_in).collect();
        times.sort_unstable();
        println!("  {entities:6} enrolled: median {:.1} ms", times[3].as_secs_f64() * 1e3);
    }
}
