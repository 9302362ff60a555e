//! Reads from OpenSSL's codes who broke off a TLS handshake and why. Speaking TLS is not done here.

use std::error::Error;

use openssl::error::ErrorStack;

/// Who broke off a TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// This side: the other one's certificate does not verify.
    #[error("this side refused the server: its certificate does not verify")]
    PeerNotVerified,
    /// The other side, with this alert (RFC 8446 section 6).
    #[error("the server refused this side: TLS alert {number} ({name})", name = alert_name(*.number))]
    Alert {
        /// The number of the alert.
        number: u8,
    },
    /// This side, for another reason of the protocol: no common version or cipher, or it is not TLS at all.
    #[error("there is no TLS in common with the other side, or it does not speak TLS at all")]
    Protocol,
}

/// `ERR_LIB_SSL` and `SSL_R_CERTIFICATE_VERIFY_FAILED`, which AWS-LC numbers its own way, and what both add to the number
/// of an alert that came in.
const LIBRARY_SSL: i32 = if cfg!(feature = "aws-lc") { 16 } else { 20 };
const CERTIFICATE_VERIFY_FAILED: i32 = if cfg!(feature = "aws-lc") { 125 } else { 134 };
const ALERT_OFFSET: i32 = 1000;

impl TlsFault {
    /// Looks for OpenSSL's own error among the causes of this one.
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(stack) = error.downcast_ref::<ErrorStack>() {
                return Self::of(stack);
            }
            // An I/O error hides its cause from source().
            let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            if let Some(fault) = inside.and_then(|inside| Self::find(inside)) {
                return Some(fault);
            }
            cause = error.source();
        }
        None
    }

    fn of(stack: &ErrorStack) -> Option<Self> {
        let ssl = || stack.errors().iter().filter(|error| error.library_code() == LIBRARY_SSL);
        let reason = ssl().map(openssl::error::Error::reason_code).find(|reason| *reason > 0)?;
        Some(match reason {
            CERTIFICATE_VERIFY_FAILED => Self::PeerNotVerified,
            _ => match u8::try_from(reason - ALERT_OFFSET) {
                Ok(number) => Self::Alert { number },
                Err(_) => Self::Protocol,
            },
        })
    }
}

const fn alert_name(number: u8) -> &'static str {
    match number {
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        48 => "unknown_ca",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        112 => "unrecognized_name",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "see RFC 8446 section 6",
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use std::io::Read as _;
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use openssl::ssl::{SslAcceptor, SslConnector, SslMethod, SslVerifyMode};
    use openssl::x509::X509;
    use ring::rand::SystemRandom;

    use super::*;
    use crate::crypto::cert::Certificate;
    use crate::crypto::issue_cert::{Profile, Purpose, self_signed};
    use crate::crypto::private_key::PrivateKey;
    use crate::value::Timestamp;

    #[test]
    fn an_alert_is_told_by_its_name() {
        let text = TlsFault::Alert { number: 116 }.to_string();
        assert_eq!(text, "the server refused this side: TLS alert 116 (certificate_required)");
    }

    #[test]
    fn an_error_without_openssl_in_it_is_no_tls_fault() {
        let error = std::io::Error::other(std::fmt::Error);
        assert_eq!(TlsFault::find(&error), None);
    }

    /// Lets a client that trusts `trusted` meet a server that insists on a client certificate.
    fn meet(server: &Certificate, key: &PrivateKey, trusted: Option<&Certificate>) -> Option<TlsFault> {
        let x509 = |certificate: &Certificate| X509::from_der(&certificate.der).unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
        acceptor.set_certificate(&x509(server)).unwrap();
        acceptor.set_private_key(&key.0).unwrap();
        acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = thread::spawn(move || drop(acceptor.accept(listener.accept().unwrap().0)));
        let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
        if let Some(trusted) = trusted {
            connector.cert_store_mut().add_cert(x509(trusted)).unwrap();
        }
        let stream = TcpStream::connect(address).unwrap();
        let fault = match connector.build().connect("localhost", stream) {
            Ok(mut stream) => TlsFault::find(&stream.read_exact(&mut [0]).unwrap_err()),
            Err(error) => TlsFault::find(&error),
        };
        serving.join().unwrap();
        fault
    }

    #[test]
    fn which_side_refused_is_read_from_a_real_handshake() {
        let key = PrivateKey::generate_p256().unwrap();
        let names = vec!["localhost".to_owned()];
        let profile = Profile {
            common_name: "localhost".to_owned(),
            validity: (Timestamp::from_seconds(0), Timestamp::from_seconds(4_000_000_000)),
            purpose: Purpose::Server { names, addresses: vec![] },
        };
        let server = self_signed(&profile, &key, &SystemRandom::new()).unwrap();
        assert_eq!(meet(&server, &key, None), Some(TlsFault::PeerNotVerified));
        let fault = meet(&server, &key, Some(&server));
        // certificate_required in TLS 1.3, handshake_failure in TLS 1.2
        assert!(matches!(fault, Some(TlsFault::Alert { number: 116 | 40 })), "{fault:?}");
    }
}
