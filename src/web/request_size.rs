//! How many bytes of headers a request has.

use actix_web::HttpRequest;

/// As they were on the wire, near enough: names, values, separators, and the path.
pub(super) fn header_bytes(http: &HttpRequest) -> usize {
    http.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
        + http.uri().path_and_query().map_or(0, |path| path.as_str().len())
}
