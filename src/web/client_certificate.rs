//! The client certificate of a TLS connection: how a server asks for it, and how it is read, once per connection.
//!
//! The TLS layer *asks* for a client certificate and takes any that the client can prove possession of: self-signed,
//! expired, version 1, of any purpose. Who is let in is decided by fingerprint, so that a stranger gets an HTTP answer and
//! not a broken handshake (Authentication API 1.3.3).

use std::any::Any;

use actix_tls::accept::openssl::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslRef, SslVerifyMode};
use openssl::stack::Stack;

use crate::protocol::presented::Presented;

/// The certificate that a connection's client proved possession of, if it sent one; in the connection's data, where
/// [`read_certificate`] puts it. A server with another TLS library puts it there itself.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionCertificate(pub Option<Presented>);

/// Names the sessions of this program to OpenSSL: without it, a client that offers a session is cut off.
pub(super) const SESSION_CONTEXT: &[u8] = b"bob-auth";

/// Makes an acceptor ask its clients for a certificate and take any. For an acceptor that is given to
/// [`HttpServer::bind_openssl`](actix_web::HttpServer::bind_openssl) or `listen_openssl`.
pub fn ask_for_certificates(acceptor: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    acceptor.set_session_id_context(SESSION_CONTEXT)?;
    // Some clients keep a certificate to themselves that none of the CAs named has signed; BoB's are often self-signed.
    acceptor.set_client_ca_list(Stack::new()?);
    // No CA is asked either: possession of the key is proved by the handshake itself.
    acceptor.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    Ok(())
}

/// Reads the client certificate of a fresh connection: for [`HttpServer::on_connect`](actix_web::HttpServer::on_connect),
/// which must be called before the server is bound. A connection without (OpenSSL's) TLS has none.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// use bob_auth::web::client_certificate::read_certificate;
///
/// HttpServer::new(App::new).on_connect(read_certificate);
/// ```
pub fn read_certificate(connection: &dyn Any, extensions: &mut Extensions) {
    let certificate = of_connection(connection).and_then(|stream| presented(stream.ssl()));
    extensions.insert(ConnectionCertificate(certificate));
}

/// The TLS of a fresh connection, if it has any.
pub(super) fn of_connection(connection: &dyn Any) -> Option<&TlsStream<TcpStream>> {
    connection.downcast_ref()
}

/// The client's certificate. A resumed session has the one it was begun with.
pub(super) fn presented(ssl: &SslRef) -> Option<Presented> {
    let der = ssl.peer_certificate()?.to_der().ok()?;
    Some(Presented::of_certificate(&der))
}
