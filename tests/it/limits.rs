//! What one client may take. Slow, silent and greedy clients are sent away while the others are served.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use openssl::ssl::SslVersion;

use crate::client::{Client, Connection, auth, get};
use crate::process::{Service, until, within};
use crate::site::Site;

const SHORT: &str = "[limits]\nhandshake_time = '3s'\nheader_time = '3s'\nidle_time = '3s'\n\
                     requests_per_fingerprint = 'off'\nrequests_per_source = 'off'";
/// The limit, actix-web's own coarse clock, and a busy machine.
const SOON: Duration = Duration::from_secs(15);

/// Whether the other end closes within [`SOON`].
fn is_closed_soon(stream: &mut TcpStream) -> bool {
    let began = Instant::now();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return began.elapsed() < SOON,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// Writes a byte now and then until the other end does not want more.
fn drips_until_closed(mut write: impl FnMut() -> std::io::Result<()>) -> bool {
    within(SOON, || {
        thread::sleep(Duration::from_millis(50));
        write().is_err().then_some(())
    })
    .is_some()
}

fn others_are_served(service: &Service) {
    let began = Instant::now();
    assert_eq!(Client::example("inspector5").token(service.token(), "inspector5").status, 200);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn silent_clients_are_sent_away_and_hold_up_nobody() {
    let site = Site::configured(SHORT);
    let service = Service::start(&site);
    let mut silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(service.token()).unwrap()).collect();
    others_are_served(&service);
    assert!(silent.iter_mut().all(is_closed_soon));
}

#[test]
fn a_handshake_that_drips_is_cut_off() {
    let site = Site::configured(SHORT);
    let service = Service::start(&site);
    let mut slow = TcpStream::connect(service.token()).unwrap();
    // The head of a ClientHello of 512 bytes, and then its bytes one by one.
    slow.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).unwrap();
    others_are_served(&service);
    assert!(drips_until_closed(|| slow.write_all(&[7])));
}

#[test]
fn a_request_head_that_drips_is_cut_off() {
    let site = Site::configured(SHORT);
    let service = Service::start(&site);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let mut slow = Client::example("validator37").version(version).connect(service.token());
        slow.send(b"GET /api/v1/auth/validator37 HTTP/1.1\r\nX-Slow: ");
        others_are_served(&service);
        assert!(drips_until_closed(|| slow.stream.write_all(b"a")));
    }
}

#[test]
fn a_later_request_head_that_drips_is_cut_off_as_well() {
    let site = Site::configured(SHORT);
    let service = Service::start(&site);
    let mut slow = Client::example("validator37").connect(service.token());
    assert_eq!(slow.ask(&get(&auth("validator37"))).status, 200);
    slow.send(b"GET /api/v1/auth/validator37 HTTP/1.1\r\nX-Slow: ");
    assert!(drips_until_closed(|| slow.stream.write_all(b"a")));
}

#[test]
fn a_proxy_whose_later_request_drips_is_cut_off_too() {
    let proxy = "[listener.behind_proxy]\nlisten = '127.0.0.1:0'\nfingerprint_header = 'X-SSL-Client-SHA1'";
    let site = Site::configured(&format!("{SHORT}\n{proxy}"));
    let service = Service::start(&site);
    let mut slow = Connection::new(TcpStream::connect(service.address("behind_proxy")).unwrap());
    assert_eq!(slow.ask(&get(&auth("validator37"))).status, 401);
    slow.send(b"GET /api/v1/auth/validator37 HTTP/1.1\r\nX-Slow: ");
    assert!(drips_until_closed(|| slow.stream.write_all(b"a")));
}

#[test]
fn an_idle_connection_is_closed() {
    let site = Site::configured(SHORT);
    let service = Service::start(&site);
    let mut fresh = Client::example("validator37").connect(service.token());
    let mut used = Client::example("validator37").connect(service.token());
    assert_eq!(used.ask(&get(&auth("validator37"))).status, 200);
    for connection in [&mut fresh, &mut used] {
        connection.stream.get_mut().set_read_timeout(Some(SOON)).unwrap();
        // Perhaps with a last word (408).
        while connection.more() {}
    }
}

#[test]
fn a_silent_http_2_client_is_sent_away() {
    let site = Site::configured(SHORT);
    let service = Service::start(&site);
    let mut silent = Client::example("validator37").http2().connect(service.token());
    assert_eq!(silent.stream.ssl().selected_alpn_protocol(), Some(&b"h2"[..]));
    others_are_served(&service);
    silent.stream.get_mut().set_read_timeout(Some(SOON)).unwrap();
    while silent.more() {}
}

#[test]
fn an_http_2_client_that_sends_its_preface_and_no_request_is_sent_away() {
    let site = Site::configured(SHORT);
    let service = Service::start(&site);
    let mut idle = Client::example("validator37").http2().connect(service.token());
    idle.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00");
    idle.stream.get_mut().set_read_timeout(Some(SOON)).unwrap();
    while idle.more() {}
}

/// A frame of HTTP/2 on stream 0.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, 0], payload].concat()
}

#[test]
fn an_http_2_client_that_answers_pings_and_sends_no_request_is_sent_away() {
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const ACK: u8 = 1;
    let site = Site::configured(SHORT);
    let service = Service::start(&site);
    let mut idle = Client::example("validator37").http2().connect(service.token());
    idle.send(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frame(SETTINGS, 0, &[]).as_slice()].concat());
    let began = Instant::now();
    let mut head = [0; 9];
    while idle.stream.read_exact(&mut head).is_ok() {
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        if idle.stream.read_exact(&mut payload).is_err() {
            break;
        }
        let written = match head[3] {
            PING => idle.stream.write_all(&frame(PING, ACK, &payload)),
            SETTINGS if head[4] == 0 => idle.stream.write_all(&frame(SETTINGS, ACK, &[])),
            _ => Ok(()),
        };
        if written.is_err() {
            break;
        }
        assert!(began.elapsed() < SOON, "it stays");
    }
}

#[test]
fn a_request_may_take_its_time_where_the_limits_are_off() {
    let site = Site::configured("[limits]\nhandshake_time = 'off'\nheader_time = 'off'\nidle_time = 'off'");
    let service = Service::start(&site);
    let mut slow = Client::example("validator37").connect(service.token());
    slow.send(b"GET /api/v1/auth/validator37 HTTP/1.1\r\nX-Slow: ");
    for _ in 0..40 {
        thread::sleep(Duration::from_millis(50));
        slow.send(b"a");
    }
    slow.send(b"\r\nHost: localhost\r\n\r\n");
    assert_eq!(slow.answer(false).unwrap().status, 200);
    others_are_served(&service);
}

/// The answer's status to a request with one header of so many bytes.
fn with_header_of(address: SocketAddr, bytes: usize) -> u16 {
    let request =
        format!("GET {} HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", auth("validator37"), "a".repeat(bytes));
    let answer = Client::example("validator37").ask(address, &request);
    if answer.status == 431 {
        assert_eq!(answer.problem(), "headers-too-large");
    }
    answer.status
}

#[test]
fn headers_of_more_than_16_kib_are_refused() {
    let site = Site::with_entities();
    let service = Service::start(&site);
    assert_eq!(with_header_of(service.token(), 15 * 1024), 200);
    assert_eq!(with_header_of(service.token(), 17 * 1024), 431);
    let path = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(17 * 1024));
    assert_eq!(Client::example("validator37").ask(service.token(), &path).status, 431);
    assert_eq!(with_header_of(service.token(), 100 * 1024), 431);
}

#[test]
fn a_header_that_never_ends_is_cut_off() {
    let site = Site::configured("[limits]\nheader_time = '5m'\nidle_time = '5m'");
    let service = Service::start(&site);
    let mut endless = Client::example("validator37").connect(service.token());
    endless.send(b"GET / HTTP/1.1\r\nX-Long: ");
    let block = [b'a'; 16 * 1024];
    let refused = (0..64).any(|_| endless.stream.write_all(&block).is_err());
    // Either the writing fails, or the answer to it is there.
    assert!(refused || endless.answer(false).is_none_or(|answer| answer.status >= 400));
}

#[test]
fn the_limit_of_headers_can_be_set_and_switched_off() {
    for (setting, most) in [("'2KiB'", 1024), ("'off'", 60 * 1024)] {
        let site = Site::configured(&format!("[limits]\nheader_bytes = {setting}"));
        let service = Service::start(&site);
        assert_eq!(with_header_of(service.token(), most), 200, "{setting}");
        if setting != "'off'" {
            assert_eq!(with_header_of(service.token(), 3 * 1024), 431);
        }
    }
}

#[test]
fn one_certificate_may_ask_so_often_and_another_one_as_often_again() {
    let site = Site::configured("[limits]\nrequests_per_fingerprint = '1/m'\nburst_per_fingerprint = 3");
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    for _ in 0..3 {
        assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200);
    }
    // On another connection and for another entity it is the same certificate.
    for answer in [
        connection.ask(&get(&auth("validator37"))),
        Client::example("validator37").token(service.token(), "validator37"),
        connection.ask(&get(&auth("nobody"))),
    ] {
        assert_eq!((answer.status, answer.problem().as_str()), (429, "too-many-requests"));
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=61).contains(&wait), "{wait}");
    }
    assert!((service.metric("bob_auth_tokens_issued_total{pid=\"34\"}") - 3.0).abs() < 0.1);
    assert!((service.metric("bob_auth_refusals_total{reason=\"fingerprint_rate\"}") - 3.0).abs() < 0.1);
    others_are_served(&service);
    let rows = site.token_audit(7);
    assert_eq!(rows.iter().filter(|row| !row["token_sha256"].is_null()).count(), 4, "no refusal cost a signature");
}

#[test]
fn one_source_may_ask_so_often_whoever_it_claims_to_be() {
    let site = Site::configured("[limits]\nrequests_per_source = '1/m'\nburst_per_source = 2");
    let service = Service::start(&site);
    for _ in 0..2 {
        assert_eq!(Client::anonymous().token(service.token(), "validator37").status, 401);
    }
    for client in [Client::anonymous(), Client::example("validator37")] {
        let answer = client.token(service.token(), "validator37");
        assert_eq!((answer.status, answer.problem().as_str()), (429, "too-many-requests"));
        assert!(answer.header("retry-after").is_some());
    }
    assert!(service.metric_sum("bob_auth_tokens_issued_total") < 0.5);
    assert_eq!(site.audit_of("http.request", 1)[0]["reason"], "source_rate");
}

#[test]
fn a_flood_is_counted_in_full_and_recorded_in_part() {
    let site = Site::configured("[limits]\nrequests_per_source = '1/m'\nburst_per_source = 1");
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    for number in 0..200 {
        let expected = if number == 0 { 200 } else { 429 };
        assert_eq!(connection.ask(&get(&auth("validator37"))).status, expected);
    }
    assert!((service.metric("bob_auth_refusals_total{reason=\"source_rate\"}") - 199.0).abs() < 0.1);
    assert!(service.stop().success());
    let rows = site.audit_of("http.request", 1).len();
    assert!((1..50).contains(&rows), "{rows} rows");
}

#[test]
fn rates_can_be_switched_off() {
    let site = Site::configured(
        "[limits]\nrequests_per_fingerprint = 'off'\nrequests_per_source = 'off'\nconnections = 'off'",
    );
    let service = Service::start(&site);
    let mut connection = Client::example("validator37").connect(service.token());
    for _ in 0..600 {
        assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200);
    }
}

#[test]
fn more_connections_than_allowed_wait_until_another_one_ends() {
    let site = Site::configured("[limits]\nconnections = 4");
    let service = Service::start(&site);
    let mut held: Vec<_> = (0..4).map(|_| Client::example("validator37").connect(service.token())).collect();
    for connection in &mut held {
        assert_eq!(connection.ask(&get(&auth("validator37"))).status, 200);
    }
    let address = service.token();
    let waiting = thread::spawn(move || Client::example("inspector5").token(address, "inspector5").status);
    // It must stay away for a while, which only time can show.
    thread::sleep(Duration::from_millis(700));
    assert!(!waiting.is_finished(), "a fifth connection was served");
    held.clear();
    until("the fifth is served", || waiting.is_finished().then_some(()));
    assert_eq!(waiting.join().unwrap(), 200);
}
