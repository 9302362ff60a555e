//! The decoders for a header that holds the client certificate itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;

use super::der::check_single_sequence;
use super::dialect::CertificateDialect;
use super::fault::{HeaderFault, MAX_VALUE_LEN, Problem};
use super::fingerprint::{trim, unquote};
use super::recognise::{belongs, recognise};
use super::xfcc::last_certificate;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// The DER of the client's own certificate in `value`, or `None` when the proxy says that there was none.
///
/// Only the form of `dialect` is read. Of a chain, the first certificate is the client's.
pub fn parse_certificate(dialect: CertificateDialect, value: &[u8]) -> Result<Option<Vec<u8>>, HeaderFault> {
    if value.len() > MAX_VALUE_LEN {
        return Err(HeaderFault::TooLarge { length: value.len() });
    }
    let text = match dialect {
        CertificateDialect::UrlPem | CertificateDialect::Base64Der => unquote(trim(value)),
        CertificateDialect::Rfc9440 | CertificateDialect::Xfcc => trim(value),
    };
    if text.is_empty() {
        return Ok(None);
    }
    // In XFCC braces may be part of a subject.
    if text == b"(null)" || (dialect != CertificateDialect::Xfcc && text.iter().any(|b| b"{}".contains(b))) {
        return Err(HeaderFault::Placeholder);
    }
    let malformed = |problem| HeaderFault::Malformed { dialect, problem };
    let der = match dialect {
        CertificateDialect::UrlPem => url_pem(text).map_err(malformed),
        CertificateDialect::Base64Der => base64_chain(text).map_err(malformed),
        CertificateDialect::Rfc9440 => byte_sequence(text).map_err(malformed),
        CertificateDialect::Xfcc => last_certificate(text).and_then(|cert| url_pem(cert).map_err(malformed)),
    };
    let checked = der.and_then(|der| check_single_sequence(&der).map(|()| der).map_err(HeaderFault::NotDer));
    checked.map(Some).map_err(|fault| name_the_form(dialect, text, fault))
}

/// Percent-encoded PEM. Never form-decoded: AWS ALB leaves `+` as it is, and a blank in its place breaks the certificate.
fn url_pem(value: &[u8]) -> Result<Vec<u8>, Problem> {
    let escapes_are_whole = value
        .iter()
        .enumerate()
        .filter(|(_, b)| **b == b'%')
        .all(|(at, _)| value.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    if !escapes_are_whole {
        return Err(Problem::Escape);
    }
    let pem: Vec<u8> = percent_decode(value).collect();
    let (first, mut rest) = take_pem_block(pem.trim_ascii())?;
    while !rest.is_empty() {
        rest = match take_pem_block(rest) {
            Ok((_, rest)) => rest,
            Err(Problem::NoPem) => return Err(Problem::PemTrailing),
            Err(problem) => return Err(problem),
        };
    }
    Ok(first)
}

/// The bytes of the first PEM block, and what follows it. White space in the base64 is as the proxy left it.
fn take_pem_block(pem: &[u8]) -> Result<(Vec<u8>, &[u8]), Problem> {
    let body = pem.strip_prefix(BEGIN).ok_or(Problem::NoPem)?;
    let end = body.iter().position(|&b| b == b'-').ok_or(Problem::PemEnd)?;
    let rest = body[end..].strip_prefix(END).ok_or(Problem::PemEnd)?;
    let digits: Vec<u8> = body[..end].iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    Ok((strict_base64(&digits)?, rest.trim_ascii_start()))
}

/// Traefik's list without blanks. A blank behind a comma means that two header lines were joined.
fn base64_chain(value: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut members = value.split(|&b| b == b',').map(|member| match member {
        [] => Err(Problem::EmptyMember),
        _ if member.iter().any(u8::is_ascii_whitespace) => Err(Problem::InnerSpace),
        _ => strict_base64(member),
    });
    let leaf = members.next().unwrap_or(Err(Problem::EmptyMember))?;
    members.try_for_each(|member| member.map(drop))?;
    Ok(leaf)
}

/// RFC 9440 section 2.1: one Byte Sequence (RFC 8941 section 3.3.5), no parameters.
fn byte_sequence(value: &[u8]) -> Result<Vec<u8>, Problem> {
    let base64 = value.strip_prefix(b":").and_then(|rest| rest.strip_suffix(b":")).ok_or(Problem::NoColons)?;
    if base64.iter().any(|b| b":,;".contains(b)) {
        return Err(Problem::SeveralMembers);
    }
    if base64.iter().any(u8::is_ascii_whitespace) {
        return Err(Problem::InnerSpace);
    }
    strict_base64(base64)
}

/// Standard alphabet, padded, no trailing bits: one spelling per value.
fn strict_base64(text: &[u8]) -> Result<Vec<u8>, Problem> {
    STANDARD.decode(text).map_err(|_| Problem::Base64)
}

/// Puts the recognised form into the refusal, when it is another one than the configured.
fn name_the_form(dialect: CertificateDialect, value: &[u8], fault: HeaderFault) -> HeaderFault {
    match (fault, recognise(value)) {
        (HeaderFault::Malformed { .. } | HeaderFault::NotDer(_), Some(seen)) if !belongs(seen, dialect) => {
            HeaderFault::OtherForm { configured: dialect, seen }
        }
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::CertificateDialect::{Base64Der, Rfc9440, UrlPem, Xfcc};
    use super::*;
    use crate::protocol::client_cert_header::{DerFault, SeenForm};
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    /// A DER sequence around `content`, of a size as certificates have it.
    fn der(content: &[u8]) -> Vec<u8> {
        let content = [content, &[0xfb; 300]].concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82], &length[..], &content].concat()
    }

    fn pem(der: &[u8], newline: &str) -> String {
        let base64 = STANDARD.encode(der);
        let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let body = lines.join(newline);
        format!("-----BEGIN CERTIFICATE-----{newline}{body}{newline}-----END CERTIFICATE-----{newline}")
    }

    /// As nginx: everything but letters, digits and dashes.
    fn nginx(der: &[u8]) -> String {
        const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-');
        utf8_percent_encode(&pem(der, "\n"), ESCAPED).to_string()
    }

    /// As AWS ALB: `+ = /` and the dashes stay.
    fn alb(der: &[u8]) -> String {
        pem(der, "\n").replace('\n', "%0A").replace(' ', "%20")
    }

    fn write(dialect: CertificateDialect, der: &[u8]) -> String {
        match dialect {
            UrlPem => nginx(der),
            Base64Der => STANDARD.encode(der),
            Rfc9440 => format!(":{}:", STANDARD.encode(der)),
            Xfcc => format!("By=x;Hash=00;Cert=\"{}\";Subject=\"CN=a\"", nginx(der)),
        }
    }

    fn fault(dialect: CertificateDialect, value: &str) -> HeaderFault {
        parse_certificate(dialect, value.as_bytes()).expect_err(value)
    }

    fn malformed(dialect: CertificateDialect, problem: Problem) -> HeaderFault {
        HeaderFault::Malformed { dialect, problem }
    }

    #[test]
    fn an_empty_value_means_that_there_was_no_certificate() {
        for dialect in CertificateDialect::ALL {
            assert_eq!(parse_certificate(dialect, b" "), Ok(None), "{dialect}");
        }
        assert_eq!(parse_certificate(Base64Der, b"\"\""), Ok(None));
    }

    #[test]
    fn placeholders_of_apache_and_caddy_are_no_certificate() {
        for dialect in CertificateDialect::ALL {
            assert_eq!(fault(dialect, "(null)"), HeaderFault::Placeholder);
        }
        for dialect in [UrlPem, Base64Der, Rfc9440] {
            for text in ["{http.request.tls.client.certificate_der_base64}", ":{http.request.tls.client}:", "%{X}s"] {
                assert_eq!(fault(dialect, text), HeaderFault::Placeholder, "{text}");
            }
        }
    }

    #[test]
    fn alb_leaves_plus_equals_and_slash_as_they_are() {
        let leaf = der(&[0xfb, 0xef, 0xbe, 0xff, 0xff, 0xff]);
        let value = alb(&leaf);
        assert!(value.contains('+') && value.contains('/') && value.contains('='), "{value}");
        assert_eq!(parse_certificate(UrlPem, value.as_bytes()), Ok(Some(leaf)));
    }

    #[test]
    fn alb_passthrough_sends_the_whole_chain_and_the_first_is_the_leaf() {
        let chain = alb(&der(b"leaf")) + &alb(&der(b"ca"));
        assert_eq!(parse_certificate(UrlPem, chain.as_bytes()), Ok(Some(der(b"leaf"))));
    }

    #[test]
    fn nginx_escapes_may_be_in_either_letter_case() {
        let value = nginx(&der(b"leaf"));
        assert!(value.ends_with("%0A"));
        let lower = value.replace("%2F", "%2f").replace("%2B", "%2b").replace("%0A", "%0a").replace("%3D", "%3d");
        assert_eq!(parse_certificate(UrlPem, lower.as_bytes()), parse_certificate(UrlPem, value.as_bytes()));
    }

    #[test]
    fn apache_sends_blanks_for_newlines() {
        let value = pem(&der(b"leaf"), " ");
        assert_eq!(parse_certificate(UrlPem, value.as_bytes()), Ok(Some(der(b"leaf"))));
    }

    #[test]
    fn apaches_first_line_alone_is_refused() {
        assert_eq!(fault(UrlPem, "-----BEGIN CERTIFICATE-----"), malformed(UrlPem, Problem::PemEnd));
    }

    #[test]
    fn other_pem_blocks_and_text_around_the_certificate_are_refused() {
        let leaf = alb(&der(b"leaf"));
        let key = leaf.replace("CERTIFICATE", "PRIVATE%20KEY");
        assert_eq!(fault(UrlPem, &key), malformed(UrlPem, Problem::NoPem));
        assert_eq!(fault(UrlPem, &leaf.replace("BEGIN%20", "BEGIN%20TRUSTED%20")), malformed(UrlPem, Problem::NoPem));
        assert_eq!(fault(UrlPem, &format!("x{leaf}")), malformed(UrlPem, Problem::NoPem));
        assert_eq!(fault(UrlPem, &format!("{leaf}x")), malformed(UrlPem, Problem::PemTrailing));
        assert_eq!(fault(UrlPem, &format!("{leaf}{key}")), malformed(UrlPem, Problem::PemTrailing));
        assert_eq!(fault(UrlPem, &format!("{leaf}%2")), malformed(UrlPem, Problem::Escape));
        assert_eq!(fault(UrlPem, &format!("{leaf}%zz")), malformed(UrlPem, Problem::Escape));
    }

    #[test]
    fn traefik_sends_a_chain_separated_by_commas_leaf_first() {
        let [leaf, ca] = [der(b"leaf"), der(b"ca")].map(|der| STANDARD.encode(der));
        assert_eq!(parse_certificate(Base64Der, format!("{leaf},{ca}").as_bytes()), Ok(Some(der(b"leaf"))));
        assert_eq!(fault(Base64Der, &format!("{leaf},")), malformed(Base64Der, Problem::EmptyMember));
        assert_eq!(fault(Base64Der, &format!("{leaf}, {ca}")), malformed(Base64Der, Problem::InnerSpace));
        assert_eq!(fault(Base64Der, &format!("{leaf},{ca}!")), malformed(Base64Der, Problem::Base64));
    }

    #[test]
    fn haproxy_may_put_the_base64_into_quotes() {
        let value = format!("\"{}\"", STANDARD.encode(der(b"leaf")));
        assert_eq!(parse_certificate(Base64Der, value.as_bytes()), Ok(Some(der(b"leaf"))));
    }

    #[test]
    fn the_escaped_base64_of_traefik_up_to_2_9_1_is_named() {
        let escaped = STANDARD.encode(der(&[0xfb, 0xef])).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        for dialect in [Base64Der, UrlPem] {
            let seen = SeenForm::EscapedBase64;
            let fault = fault(dialect, &escaped);
            assert_eq!(fault, HeaderFault::OtherForm { configured: dialect, seen });
            assert!(fault.to_string().contains("Traefik up to 2.9.1"), "{fault}");
        }
    }

    #[test]
    fn another_dialect_than_the_configured_is_named_and_not_tried() {
        for written in CertificateDialect::ALL {
            let value = write(written, &der(b"leaf"));
            for configured in CertificateDialect::ALL.into_iter().filter(|configured| *configured != written) {
                let fault = fault(configured, &value);
                assert_eq!(fault.reason(), "cert_header_other_form", "{written} as {configured}: {fault}");
                assert!(fault.to_string().contains(written.as_str()), "{written} as {configured}: {fault}");
            }
        }
        let seen = SeenForm::Fingerprint;
        let fingerprint = "7c066a0a9a063eb8d540cbf7dfba7697c674d14a";
        assert_eq!(fault(Base64Der, fingerprint), HeaderFault::OtherForm { configured: Base64Der, seen });
    }

    #[test]
    fn rfc_9440_has_exactly_one_item_between_colons() {
        let base64 = STANDARD.encode(der(b"leaf"));
        let refused = |value: String| fault(Rfc9440, &value);
        let no_colons = malformed(Rfc9440, Problem::NoColons);
        assert_eq!(refused(format!(":{base64}")), no_colons);
        assert_eq!(refused(format!("{base64}:")), no_colons);
        assert_eq!(refused(format!(":{base64}:;a=1")), no_colons);
        assert_eq!(refused(format!("\":{base64}:\"")), no_colons);
        assert_eq!(refused(":".into()), no_colons);
        assert_eq!(refused(format!(":{base64}:, :{base64}:")), malformed(Rfc9440, Problem::SeveralMembers));
        assert_eq!(refused(format!(":{} {}:", &base64[..40], &base64[40..])), malformed(Rfc9440, Problem::InnerSpace));
        assert_eq!(refused(format!(": {base64}:")), malformed(Rfc9440, Problem::InnerSpace));
        assert_eq!(refused("::".into()), HeaderFault::NotDer(DerFault::NotSequence));
    }

    #[test]
    fn bytes_behind_or_missing_from_the_certificate_are_refused() {
        for dialect in CertificateDialect::ALL {
            let longer = [der(b"leaf"), vec![0]].concat();
            let trailing = HeaderFault::NotDer(DerFault::Trailing { extra: 1 });
            assert_eq!(fault(dialect, &write(dialect, &longer)), trailing);
            let cut = &der(b"leaf")[..200];
            let fault = fault(dialect, &write(dialect, cut));
            assert!(matches!(fault, HeaderFault::NotDer(DerFault::Truncated { .. })), "{dialect}: {fault}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        let base64 = STANDARD.encode(der(&[0; 4]));
        let unpadded = base64.trim_end_matches('=');
        assert_ne!(base64, unpadded);
        for text in
            [unpadded.to_owned(), format!("{base64}="), base64.replacen('A', "\n", 1), base64.replacen('A', "-", 1)]
        {
            let reason = fault(Base64Der, &text).reason();
            assert!(matches!(reason, "cert_header_malformed" | "cert_header_other_form"), "{text}: {reason}");
        }
        // The last digit carries two bits that belong to no byte.
        let last = unpadded.as_bytes()[unpadded.len() - 1];
        let other = format!("{}{}{}", &unpadded[..unpadded.len() - 1], char::from(last + 1), &base64[unpadded.len()..]);
        assert_eq!(fault(Base64Der, &other), malformed(Base64Der, Problem::Base64));
    }

    #[test]
    fn a_value_beyond_the_limit_is_not_decoded() {
        for dialect in CertificateDialect::ALL {
            let value = "A".repeat(MAX_VALUE_LEN + 1);
            assert_eq!(fault(dialect, &value), HeaderFault::TooLarge { length: MAX_VALUE_LEN + 1 });
        }
    }

    fn any_dialect() -> impl Strategy<Value = CertificateDialect> {
        proptest::sample::select(&CertificateDialect::ALL[..])
    }

    proptest! {
        #[test]
        fn every_dialect_gives_the_same_bytes_back(
            dialect in any_dialect(),
            content in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let leaf = der(&content);
            prop_assert_eq!(parse_certificate(dialect, write(dialect, &leaf).as_bytes()), Ok(Some(leaf)));
        }

        #[test]
        fn no_bytes_make_a_decoder_panic(
            dialect in any_dialect(),
            value in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = parse_certificate(dialect, &value);
        }

        #[test]
        fn no_damage_to_a_good_value_makes_a_decoder_panic(
            dialect in any_dialect(),
            at in any::<proptest::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut value = write(dialect, &der(b"leaf")).into_bytes();
            let at = at.index(value.len());
            value[at] = byte;
            let _ = parse_certificate(dialect, &value);
            value.truncate(cut.index(value.len()));
            let _ = parse_certificate(dialect, &value);
        }
    }
}
