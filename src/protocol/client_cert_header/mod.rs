//! What a TLS-terminating proxy says about the client certificate, in the dialects of the proxies in the field.
//!
//! Pure functions from one header value to a fingerprint or to the certificate's DER. Who may send such a header, that
//! there is exactly one of it, and that fingerprint and certificate agree, is decided by the caller; whether the
//! certificate is admitted, by whoever knows what is enrolled. A parser tries the configured form only and never guesses
//! another one; a refusal names the form that it saw.
//!
//! `Ok(None)` means that the proxy says "no certificate" (an empty value). A value that cannot be read is never `None`.

mod certificate;
mod der;
mod dialect;
mod fault;
mod fingerprint;
mod recognise;
mod xfcc;

pub use certificate::parse_certificate;
pub use dialect::{CertificateDialect, UnknownDialect};
pub use fault::{DerFault, HeaderFault, MAX_VALUE_LEN, Problem, SeenForm};
pub use fingerprint::parse_fingerprint;
