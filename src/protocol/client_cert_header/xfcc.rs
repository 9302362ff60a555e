//! Envoy's `x-forwarded-client-cert`: elements separated by commas, in each `key=value` pairs separated by semicolons.
//!
//! Only the last element was written by the proxy in front of us; earlier ones are what that proxy received. Two things
//! would let a client reach into the last element, and both are refused: a quotation mark that is left open in an earlier
//! element, and a name in the client's own certificate, because Envoy writes `URI` and `DNS` without quotes or escapes.

use super::dialect::CertificateDialect;
use super::fault::{HeaderFault, Problem};

/// What is wanted of one element. Values are as they stand between the quotes.
#[derive(Default)]
struct Element<'a> {
    cert: Option<&'a [u8]>,
    hash: bool,
    /// `URI` or `DNS` was seen: what follows may be the client's text.
    names: bool,
}

/// One `key=value`, what ended it, and what stands behind that.
struct Pair<'a> {
    key: &'a [u8],
    text: &'a [u8],
    end: End,
    tail: &'a [u8],
}

/// What ended a pair.
enum End {
    Pair,
    Element,
    Value,
}

/// The percent-encoded PEM in `Cert` of the last element.
pub(super) fn last_certificate(value: &[u8]) -> Result<&[u8], HeaderFault> {
    let mut rest = value;
    let mut after_names = false;
    loop {
        let (element, tail) = take_element(rest)?;
        let Some(tail) = tail else {
            let hash = element.hash;
            let cert = element.cert.ok_or(HeaderFault::XfccWithoutCert { hash })?;
            return if after_names { Err(HeaderFault::XfccAfterNames) } else { Ok(cert) };
        };
        after_names |= element.names;
        rest = tail;
    }
}

/// The first element, and what stands behind its comma if there is one.
fn take_element(value: &[u8]) -> Result<(Element<'_>, Option<&[u8]>), HeaderFault> {
    let mut element = Element::default();
    let mut rest = value;
    loop {
        let Pair { key, text, end, tail } = take_pair(rest)?;
        if key.eq_ignore_ascii_case(b"cert") {
            if element.names {
                return Err(HeaderFault::XfccAfterNames);
            }
            if element.cert.replace(text).is_some() {
                return Err(malformed(Problem::XfccTwice));
            }
        } else if key.eq_ignore_ascii_case(b"hash") {
            if element.hash {
                return Err(malformed(Problem::XfccTwice));
            }
            element.hash = true;
        } else if key.eq_ignore_ascii_case(b"uri") || key.eq_ignore_ascii_case(b"dns") {
            element.names = true;
        }
        match end {
            End::Pair => rest = tail,
            End::Element => return Ok((element, Some(tail))),
            End::Value => return Ok((element, None)),
        }
    }
}

fn take_pair(value: &[u8]) -> Result<Pair<'_>, HeaderFault> {
    // Proxies join header lines with a comma and a blank.
    let value = value.trim_ascii_start();
    let equals = value.iter().position(|&b| b == b'=').ok_or(malformed(Problem::XfccSyntax))?;
    let (key, rest) = (&value[..equals], &value[equals + 1..]);
    if key.is_empty() || !key.iter().all(u8::is_ascii_alphanumeric) {
        return Err(malformed(Problem::XfccSyntax));
    }
    let (text, rest) = match rest.strip_prefix(b"\"") {
        Some(quoted) => {
            let close = closing_quote(quoted).ok_or(malformed(Problem::XfccSyntax))?;
            (&quoted[..close], &quoted[close + 1..])
        }
        None => rest.split_at(rest.iter().position(|b| b";,".contains(b)).unwrap_or(rest.len())),
    };
    let (end, tail) = match rest.split_first() {
        None => (End::Value, rest),
        Some((b';', tail)) => (End::Pair, tail),
        Some((b',', tail)) => (End::Element, tail),
        // A quote closes right before a separator, or the quotes are not those that the proxy wrote.
        Some(_) => return Err(malformed(Problem::XfccSyntax)),
    };
    Ok(Pair { key, text, end, tail })
}

/// Where the first quotation mark without a backslash before it stands.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|&b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    })
}

const fn malformed(problem: Problem) -> HeaderFault {
    HeaderFault::Malformed { dialect: CertificateDialect::Xfcc, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "By=spiffe://b;Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688";

    fn cert(value: &str) -> Result<&str, HeaderFault> {
        last_certificate(value.as_bytes()).map(|cert| std::str::from_utf8(cert).unwrap())
    }

    #[test]
    fn the_certificate_is_taken_with_or_without_quotes_and_in_any_letter_case() {
        for text in
            ["Cert=AA", "cert=\"AA\"", "CERT=AA;Hash=1", "Hash=1;Cert=\"AA\";Chain=\"BB\";Subject=\"\";URI=;DNS=x"]
        {
            assert_eq!(cert(text), Ok("AA"), "{text}");
        }
    }

    #[test]
    fn only_the_last_of_several_elements_counts() {
        assert_eq!(cert("Hash=1;Cert=\"AA\",Hash=2;Cert=\"BB\""), Ok("BB"));
        assert_eq!(cert("Hash=1;Cert=\"AA\", Hash=2;Cert=\"BB\""), Ok("BB"));
        assert_eq!(cert("Cert=AA,Hash=2"), Err(HeaderFault::XfccWithoutCert { hash: true }));
        assert_eq!(cert("Cert=AA,By=x"), Err(HeaderFault::XfccWithoutCert { hash: false }));
    }

    #[test]
    fn a_hash_alone_says_which_envoy_setting_is_missing() {
        let fault = cert(HASH).unwrap_err();
        assert_eq!(fault.reason(), "xfcc_without_cert");
        let text = fault.to_string();
        assert!(text.contains("set_current_client_cert_details.cert: true") && text.contains("SHA-256"), "{text}");
    }

    #[test]
    fn separators_inside_quotes_are_text() {
        let text = r#"Subject="O=a,Cert=no;CN=\"x\",Cert=no\\";Cert="AA""#;
        assert_eq!(cert(text), Ok("AA"));
    }

    #[test]
    fn a_quote_left_open_by_a_client_cannot_swallow_what_the_proxy_wrote() {
        for forged in ["Hash=1;Subject=\"", "Subject=\"\\", "X=\"a\"b", "\"", "Cert=\"AA"] {
            let text = format!(r#"{forged},{HASH};Cert="BB";Subject="CN=x,Cert=CC""#);
            assert_eq!(cert(&text), Err(malformed(Problem::XfccSyntax)), "{text}");
        }
    }

    #[test]
    fn a_name_in_the_clients_certificate_cannot_add_an_element_or_a_certificate() {
        for name in ["URI", "DNS", "dns"] {
            for forged in ["x,Cert=AA", "x,Hash=1,Cert=AA", "x;Cert=AA"] {
                let text = format!("{HASH};{name}={forged}");
                assert_eq!(cert(&text), Err(HeaderFault::XfccAfterNames), "{text}");
            }
        }
        let text = format!("{HASH};Cert=\"BB\";DNS=x;Cert=AA");
        assert_eq!(cert(&text), Err(HeaderFault::XfccAfterNames));
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        for text in ["Cert=AA;cert=BB", "Hash=1;Cert=AA;hash=2"] {
            assert_eq!(cert(text), Err(malformed(Problem::XfccTwice)), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_pairs_is_refused() {
        for text in [
            "x",
            ",",
            "Cert=AA,",
            ",Cert=AA",
            "Cert=AA;",
            ";Cert=AA",
            "=AA",
            "C ert=AA",
            "Cert =AA",
            "Cert=AA,,Cert=BB",
        ] {
            assert_eq!(cert(text), Err(malformed(Problem::XfccSyntax)), "{text}");
        }
    }
}
