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

/// `ERR_LIB_SSL` and `SSL_R_CERTIFICATE_VERIFY_FAILED` of OpenSSL, and what it adds to the number of an alert that came in.
const LIBRARY_SSL: i32 = 20;
const CERTIFICATE_VERIFY_FAILED: i32 = 134;
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
mod tests {
    use super::*;

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
}
