//! The header that carries a token, `X-BoB-AuthToken`: read if it stands there exactly once. What the token is worth is not
//! asked here.

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::protocol::wire;

/// The name of the header.
pub const AUTH_TOKEN: HeaderName = HeaderName::from_static(wire::AUTH_TOKEN_HEADER);

/// Why a request has no token that could be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenHeaderFault {
    /// No header, or an empty one.
    #[error("there is no token: the request has no X-BoB-AuthToken, or an empty one")]
    Missing,
    /// More than one: whoever reads the first and whoever reads the last would see different callers.
    #[error("X-BoB-AuthToken stands in the request {0} times")]
    Duplicate(usize),
    /// Bytes that no token has.
    #[error("X-BoB-AuthToken holds bytes other than visible ASCII")]
    NotAscii,
}

impl TokenHeaderFault {
    /// The stable id of the reason: the same in answers, log, metrics and documentation.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "no_token",
            Self::Duplicate(_) => "duplicate_token",
            Self::NotAscii => "token_not_ascii",
        }
    }
}

/// The token of a request.
pub fn only_token(headers: &HeaderMap) -> Result<&str, TokenHeaderFault> {
    let mut values = headers.get_all(&AUTH_TOKEN);
    let value = values.next().ok_or(TokenHeaderFault::Missing)?;
    match values.count() {
        0 => {}
        more => return Err(TokenHeaderFault::Duplicate(more + 1)),
    }
    let token = value.to_str().map_err(|_| TokenHeaderFault::NotAscii)?;
    if token.is_empty() { Err(TokenHeaderFault::Missing) } else { Ok(token) }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_token_stands_in_its_header_exactly_once() {
        let headers = |values: &[&'static [u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTH_TOKEN, HeaderValue::from_bytes(value).unwrap());
            }
            headers
        };
        assert_eq!(only_token(&headers(&[b"a.b.c"])), Ok("a.b.c"));
        assert_eq!(only_token(&headers(&[])), Err(TokenHeaderFault::Missing));
        assert_eq!(only_token(&headers(&[b""])), Err(TokenHeaderFault::Missing));
        assert_eq!(only_token(&headers(&[b"a.b.c", b"a.b.c"])), Err(TokenHeaderFault::Duplicate(2)));
        assert_eq!(only_token(&headers(&[b"", b"a.b.c"])), Err(TokenHeaderFault::Duplicate(2)));
        assert_eq!(only_token(&headers(&[b"a.b.\xc3\xa9"])), Err(TokenHeaderFault::NotAscii));
    }
}
