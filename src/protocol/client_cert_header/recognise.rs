//! What a refused certificate header looks like, so that the refusal can name it.

use super::dialect::CertificateDialect;
use super::fault::SeenForm;
use super::fingerprint::is_hex;

/// Whether a value of this form is a (possibly broken) value of the dialect.
pub(super) const fn belongs(seen: SeenForm, dialect: CertificateDialect) -> bool {
    matches!(
        (seen, dialect),
        (SeenForm::UrlPem | SeenForm::Pem, CertificateDialect::UrlPem)
            | (SeenForm::Base64Der, CertificateDialect::Base64Der)
            | (SeenForm::Rfc9440, CertificateDialect::Rfc9440)
            | (SeenForm::Xfcc, CertificateDialect::Xfcc)
    )
}

/// The form that `value` seems to have. A guess for the text of a refusal, never for decoding.
pub(super) fn recognise(value: &[u8]) -> Option<SeenForm> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii())?;
    let made_of = |extra: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || extra.contains(&b));
    let is_pair = |pair: &str| {
        pair.split_once('=').is_some_and(|(key, _)| {
            ["by", "hash", "cert", "chain", "subject", "uri", "dns"].iter().any(|known| key.eq_ignore_ascii_case(known))
        })
    };
    if text.starts_with("-----BEGIN") {
        return Some(if text.contains('%') { SeenForm::UrlPem } else { SeenForm::Pem });
    }
    if text.starts_with("%2D%2D") || text.starts_with("%2d%2d") {
        return Some(SeenForm::UrlPem);
    }
    if text.starts_with(':') && text.ends_with(':') && text.len() > 1 {
        return Some(SeenForm::Rfc9440);
    }
    if text.split([';', ',']).next().is_some_and(is_pair) {
        return Some(SeenForm::Xfcc);
    }
    if is_hex(text) && matches!(text.len(), 32 | 40 | 47 | 59 | 64 | 95) {
        return Some(SeenForm::Fingerprint);
    }
    // DER of a certificate starts with 0x30 0x82, in base64 "MI".
    if !text.starts_with("MI") {
        return None;
    }
    match text {
        _ if made_of(b"+/=,") => Some(SeenForm::Base64Der),
        _ if made_of(b"-_=,") => Some(SeenForm::Base64Url),
        _ if made_of(b"%+/=,") => Some(SeenForm::EscapedBase64),
        _ => None,
    }
}
