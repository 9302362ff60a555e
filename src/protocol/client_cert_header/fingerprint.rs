//! The normaliser for a header that holds the SHA-1 fingerprint of the client certificate.
//!
//! nginx sends lower-case hex, HAProxy upper-case hex or (in old recipes) the same in quotes, Azure Application Gateway
//! hex of an undocumented case; an empty value is how HAProxy and Cloudflare say that there was no certificate.

use super::fault::{HeaderFault, MAX_VALUE_LEN};
use crate::value::{FingerprintError, Sha1Fingerprint};

/// The fingerprint in `value`, or `None` when the proxy says that there was no certificate.
///
/// Either letter case, with or without colons, in at most one pair of double quotes; blanks around it are ignored.
pub fn parse_fingerprint(value: &[u8]) -> Result<Option<Sha1Fingerprint>, HeaderFault> {
    if value.len() > MAX_VALUE_LEN {
        return Err(HeaderFault::TooLarge { length: value.len() });
    }
    let text = unquote(trim(value));
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() == 20 && !text.is_ascii() {
        return Err(HeaderFault::RawDigest);
    }
    if text == b"(null)" || text.iter().any(|b| b"{}%".contains(b)) {
        return Err(HeaderFault::Placeholder);
    }
    let malformed = HeaderFault::Fingerprint { length: text.len() };
    let text = std::str::from_utf8(text).map_err(|_| malformed)?;
    text.parse().map(Some).map_err(|error| match error {
        FingerprintError::NoCertificate => HeaderFault::OfNothing,
        FingerprintError::Md5 if is_hex(text) => HeaderFault::Md5,
        FingerprintError::Sha256 if is_hex(text) => HeaderFault::Sha256,
        _ if is_base64_of_32_bytes(text) => HeaderFault::Sha256,
        _ => malformed,
    })
}

/// Without the blanks around it (RFC 9110 section 5.5).
pub(super) fn trim(value: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value.iter().position(|b| !blank(b)).unwrap_or(value.len());
    let end = value.iter().rposition(|b| !blank(b)).map_or(start, |last| last + 1);
    &value[start..end]
}

/// Without one pair of double quotes, as HAProxy's `%{+Q}` puts it.
pub(super) fn unquote(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value)
}

/// Whether `text` is made of hex digits and colons.
pub(super) fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
}

/// Google Cloud's fingerprint, with or without padding.
fn is_base64_of_32_bytes(text: &str) -> bool {
    let digits = text.strip_suffix('=').unwrap_or(text);
    digits.len() == 43 && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "7c066a0a9a063eb8d540cbf7dfba7697c674d14a";

    fn fault(value: &[u8]) -> HeaderFault {
        parse_fingerprint(value).unwrap_err()
    }

    #[test]
    fn nginx_haproxy_and_openssl_spellings_are_one_value() {
        let colons = "7C:06:6A:0A:9A:06:3E:B8:D5:40:CB:F7:DF:BA:76:97:C6:74:D1:4A";
        let (upper, quoted) = (HEX.to_uppercase(), format!("\"{HEX}\""));
        for text in [HEX, &upper, colons, &quoted, &format!(" \t{HEX} "), &format!(" \"{colons}\"")] {
            assert_eq!(parse_fingerprint(text.as_bytes()).unwrap().unwrap().to_string(), HEX, "{text:?}");
        }
    }

    #[test]
    fn an_empty_value_means_that_there_was_no_certificate() {
        for text in ["", " ", "\t  ", "\"\"", " \"\" "] {
            assert_eq!(parse_fingerprint(text.as_bytes()), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn only_one_pair_of_quotes_is_taken_off() {
        for text in [format!("\"\"{HEX}\"\""), format!("\"{HEX}"), format!("{HEX}\""), "\"".into(), format!("'{HEX}'")]
        {
            assert_eq!(fault(text.as_bytes()).reason(), "fingerprint_malformed", "{text}");
        }
    }

    #[test]
    fn placeholders_of_apache_and_caddy_are_no_fingerprint() {
        for text in ["(null)", "\"(null)\"", "{http.request.tls.client.fingerprint}", "%[ssl_c_sha1,hex]", "%{X}s", "%"]
        {
            assert_eq!(fault(text.as_bytes()), HeaderFault::Placeholder, "{text}");
        }
    }

    #[test]
    fn two_joined_header_lines_are_refused() {
        // Not as a placeholder, which would send the operator after a variable's name instead of a client's header.
        assert_eq!(fault(format!("{HEX},{HEX}").as_bytes()), HeaderFault::Fingerprint { length: 81 });
        assert_eq!(fault(format!("{HEX}, {HEX}").as_bytes()), HeaderFault::Fingerprint { length: 82 });
    }

    #[test]
    fn the_md5_of_big_ip_is_named() {
        for text in ["d41d8cd98f00b204e9800998ecf8427e", "D4:1D:8C:D9:8F:00:B2:04:E9:80:09:98:EC:F8:42:7E"] {
            assert_eq!(fault(text.as_bytes()), HeaderFault::Md5, "{text}");
        }
        assert!(HeaderFault::Md5.to_string().contains("BIG-IP"));
    }

    #[test]
    fn the_sha256_of_envoy_caddy_and_google_is_named() {
        let padded = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        for text in [&"ab".repeat(32), padded, padded.trim_end_matches('=')] {
            assert_eq!(fault(text.as_bytes()), HeaderFault::Sha256, "{text}");
        }
        assert!(HeaderFault::Sha256.to_string().contains("Envoy"));
    }

    #[test]
    fn apaches_digest_of_an_empty_text_and_all_zeros_are_refused() {
        for text in
            ["da39a3ee5e6b4b0d3255bfef95601890afd80709", &"0".repeat(40), "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"]
        {
            assert_eq!(fault(text.as_bytes()), HeaderFault::OfNothing, "{text}");
        }
    }

    #[test]
    fn haproxy_without_hex_is_named() {
        let raw = [
            0x7c, 6, 0x6a, 10, 0x9a, 6, 0x3e, 0xb8, 0xd5, 0x40, 0xcb, 0xf7, 0xdf, 0xba, 0x76, 0x97, 0xc6, 0x74, 0xd1,
            0x4a,
        ];
        assert_eq!(fault(&raw), HeaderFault::RawDigest);
        assert!(HeaderFault::RawDigest.to_string().contains("ssl_c_sha1,hex"));
    }

    #[test]
    fn separators_other_than_colons_are_refused() {
        let words = HEX.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect::<Vec<_>>();
        for separator in [" ", "-", ".", "::"] {
            assert_eq!(fault(words.join(separator).as_bytes()).reason(), "fingerprint_malformed", "{separator:?}");
        }
        for text in [&HEX[..39], &format!("{HEX}0"), &format!("0x{HEX}"), &format!("SHA1:{HEX}"), "-", "NONE"] {
            assert_eq!(fault(text.as_bytes()).reason(), "fingerprint_malformed", "{text:?}");
        }
    }

    #[test]
    fn a_value_beyond_the_limit_is_not_looked_at() {
        let value = vec![b' '; MAX_VALUE_LEN + 1];
        assert_eq!(fault(&value), HeaderFault::TooLarge { length: MAX_VALUE_LEN + 1 });
    }

    #[test]
    fn a_refusal_does_not_repeat_the_header() {
        let text = fault(b"<script>alert(1)</script>\x1b[31m").to_string();
        assert!(!text.contains("script") && !text.contains('\x1b'), "{text}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(value in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = parse_fingerprint(&value);
        }

        #[test]
        fn either_letter_case_is_the_same_value(
            bytes in any::<[u8; 20]>().prop_filter("zero", |b| b != &[0; 20]),
            upper in any::<u64>(),
        ) {
            let wanted = Sha1Fingerprint::from_bytes(bytes);
            let mixed: String = wanted
                .to_string()
                .chars()
                .enumerate()
                .map(|(i, c)| if upper >> i & 1 == 1 { c.to_ascii_uppercase() } else { c })
                .collect();
            prop_assert_eq!(parse_fingerprint(mixed.as_bytes()), Ok(Some(wanted)));
        }
    }
}
