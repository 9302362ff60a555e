//! Clients: blocking TLS connections with a certificate, and the least HTTP/1.1 that a request needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bob_auth::crypto::cert::Certificate;
use bob_auth::crypto::private_key::PrivateKey;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslConnector, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;

use super::site::Site;

/// What a client connects with.
#[derive(Clone)]
pub(crate) struct Client {
    context: SslContext,
    address: SocketAddr,
}

/// An open connection.
pub(crate) struct Connection<S = SslStream<TcpStream>> {
    stream: S,
    buffer: Vec<u8>,
}

/// The request for the client's own token.
pub(crate) const TOKEN: &str = "/api/v1/auth/validator37";

impl Client {
    /// With the certificate that is enrolled at the site, or without one.
    pub(crate) fn new(site: &Site, address: SocketAddr, version: SslVersion, certificate: bool) -> Self {
        Self::with(certificate.then_some(&site.client), address, version)
    }

    /// With this certificate, or without one.
    pub(crate) fn with(identity: Option<&(Certificate, PrivateKey)>, address: SocketAddr, version: SslVersion) -> Self {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).expect("a connector");
        // What is measured is the service, not its clients' care.
        builder.set_verify(SslVerifyMode::NONE);
        builder.set_min_proto_version(Some(version)).expect("a version");
        builder.set_max_proto_version(Some(version)).expect("a version");
        if let Some((certificate, key)) = identity {
            let x509 = X509::from_der(&certificate.der).expect("a certificate");
            let key = PKey::private_key_from_pkcs8(&key.to_pkcs8_der().expect("DER")).expect("a key");
            builder.set_certificate(&x509).expect("a certificate");
            builder.set_private_key(&key).expect("its key");
        }
        Self { context: builder.build().into_context(), address }
    }

    /// A new connection, handshake done.
    pub(crate) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let ssl = Ssl::new(&self.context).expect("TLS");
        let mut stream = SslStream::new(ssl, stream).expect("TLS");
        stream.connect().expect("a handshake");
        Connection { stream, buffer: vec![0; 16_384] }
    }
}

impl Connection<TcpStream> {
    /// A new connection without TLS: what the machine and this bench cost by themselves.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, buffer: vec![0; 16_384] }
    }
}

impl<S: Read + Write> Connection<S> {
    /// One request, its status.
    pub(crate) fn get(&mut self, path: &str) -> u16 {
        self.get_with(path, "")
    }

    /// One request with these header lines, each ended; its status.
    pub(crate) fn get_with(&mut self, path: &str, headers: &str) -> u16 {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).0
    }

    /// One request as it is on the wire; status and bytes of the answer, which the next one overwrites.
    pub(crate) fn exchange(&mut self, request: &str) -> (u16, &[u8]) {
        self.stream.write_all(request.as_bytes()).expect("sent");
        let mut have = 0;
        loop {
            if have == self.buffer.len() {
                self.buffer.resize(have * 2, 0);
            }
            have += self.stream.read(&mut self.buffer[have..]).expect("an answer");
            if let Some(status) = complete(&self.buffer[..have]) {
                return (status, &self.buffer[..have]);
            }
        }
    }
}

fn complete(answer: &[u8]) -> Option<u16> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let status = text[9..12].parse().ok()?;
    if matches!(status, 204 | 304) {
        return Some(status);
    }
    // Servers differ in how they write the name.
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    })?;
    (answer.len() >= head + length).then_some(status)
}
