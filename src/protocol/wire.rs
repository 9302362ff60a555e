//! Names on the wire: paths, media types and headers that the standards fix. Nothing that configuration may change.

/// The base path of the Authentication API 1.3.3; an entity id follows.
pub const AUTH_PATH: &str = "/api/v1/auth/";
/// Where the public keys are published as a JWKS (RFC 8414's neighbour by custom; not part of BoB).
pub const JWKS_PATH: &str = "/.well-known/jwks.json";
/// The header that carries a token to another participant's API (BoB Manual), in lower case.
pub const AUTH_TOKEN_HEADER: &str = "x-bob-authtoken";
/// The media type of a token answer.
pub const JSON: &str = "application/json";
/// The media type of a JWK set (RFC 7517 section 8.5.2).
pub const JWK_SET_JSON: &str = "application/jwk-set+json";
/// The media type of a problem document (RFC 9457 section 6.1).
pub const PROBLEM_JSON: &str = "application/problem+json";
