//! Method and path of the client's own request, where the proxy writes them. Each stands there exactly once, or there is
//! none: two would leave it to chance which of them the rules are held against.

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName};

use crate::config::OriginalRequestIn;
use crate::flow::route_rules::OriginalRequest;

/// The path at which proxies ask.
pub(super) const VERIFY_PATH: &str = "/verify";

const X_ORIGINAL: [HeaderName; 2] =
    [HeaderName::from_static("x-original-method"), HeaderName::from_static("x-original-uri")];
const X_FORWARDED: [HeaderName; 2] =
    [HeaderName::from_static("x-forwarded-method"), HeaderName::from_static("x-forwarded-uri")];

/// What the client asked for, if the proxy says it as agreed.
pub(super) fn read(http: &HttpRequest, place: OriginalRequestIn) -> Option<OriginalRequest<'_>> {
    let [method, target] = match place {
        OriginalRequestIn::XOriginal => &X_ORIGINAL,
        OriginalRequestIn::XForwarded => &X_FORWARDED,
        OriginalRequestIn::Path => return of_path(http),
    };
    let method = std::str::from_utf8(only_value(http.headers(), method)?).ok()?;
    Some(OriginalRequest { method, target: only_value(http.headers(), target)? })
}

/// Whether the request has any header in which a proxy names the client's own request.
pub(super) fn is_named(headers: &HeaderMap) -> bool {
    X_ORIGINAL.iter().chain(&X_FORWARDED).any(|name| headers.contains_key(name))
}

/// What follows `/verify`; nothing does if the proxy was told to ask there and nowhere else.
fn of_path(http: &HttpRequest) -> Option<OriginalRequest<'_>> {
    let target = http.uri().path_and_query()?.as_str().strip_prefix(VERIFY_PATH).filter(|rest| !rest.is_empty())?;
    Some(OriginalRequest { method: http.method().as_str(), target: target.as_bytes() })
}

fn only_value<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name);
    let value = values.next()?.as_bytes();
    (values.next().is_none() && !value.is_empty()).then_some(value)
}
