//! `GET /participantMetadata`: the signed set, for everybody. The bytes were ready before anybody asked.

use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY,
};

use super::conditions::has_one_of;
use super::refusal::Refusal;
use super::slices::Slices;
use super::state::RegistryFace;
use crate::protocol::wire;

/// The set, or that the reader has it already, or that he is to come again.
pub(super) fn answer(state: &RegistryFace, headers: &HeaderMap) -> Result<HttpResponse, Refusal> {
    if let Some(wait) = state.folding().refuses_readers(Instant::now()) {
        return Err(Refusal::Folding(wait));
    }
    let set = state.set().ok_or(Refusal::NoSet)?;
    let left = set.not_valid_after.seconds_since(state.now());
    let left = u64::try_from(left).map_err(|_| Refusal::NoSet)?;
    let wants_gzip = accepts_gzip(headers);
    let form = if wants_gzip { &set.gzip } else { &set.json };
    let known = has_one_of(headers, &[set.json.tag.as_str(), set.gzip.tag.as_str()]);
    let mut builder = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    builder.insert_header((ETAG, form.etag.clone()));
    builder.insert_header((CACHE_CONTROL, format!("max-age={}", state.in_force().max_age.as_secs().min(left))));
    builder.insert_header((VARY, HeaderValue::from_static("accept-encoding")));
    if known {
        return Ok(builder.finish());
    }
    if wants_gzip {
        builder.insert_header((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    }
    builder.insert_header((CONTENT_TYPE, HeaderValue::from_static(wire::JSON)));
    Ok(builder.body(Slices::of(form.bytes.clone())))
}

/// Whether the reader takes gzip (RFC 9110 section 12.5.3). Without the header nothing is compressed: whoever does not say
/// that he can may not be able to.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    let mut any = None;
    for item in codings.flat_map(|value| value.split(',')) {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let wanted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            return wanted;
        }
        if name == "*" {
            any = Some(wanted);
        }
    }
    any.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        let accepts = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepts_gzip(&headers)
        };
        for value in ["gzip", "br, gzip;q=0.5", "GZIP", "*", "deflate, *;q=0.1", "x-gzip"] {
            assert!(accepts(value), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "gzip; q=0.000, *", "identity", "*;q=0", "gzip;q=x"] {
            assert!(!accepts(value), "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
