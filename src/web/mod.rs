//! Floor 6: the HTTP face, the only place that knows actix-web. No logic of its own: it reads who asks, calls a flow, and
//! writes the answer.
//!
//! For partner services (feature `actix`): [`guard`], and what it stands on, [`identity`],
//! [`client_certificate`] and [`verdict`]. The rest is the token service:
//!
//! | listener | routes | identity |
//! |---|---|---|
//! | token | `GET|HEAD {base}/api/v1/auth/{entityId}`, `GET|HEAD {base}/.well-known/jwks.json` if switched on | the connection's certificate |
//! | behind_proxy | the same | headers of a trusted proxy |
//! | verify | any method `/verify` and below it; `GET /probe` if switched on | the same |
//! | registry | the 28 operations below `/api/v2/participantMetadata` | proof of possession |
//! | internal | `/health/live`, `/health/ready`, `/health/ready/writes`, `/health/ready/verification`, `/health/ready/registry`, `/metrics`, `/.well-known/jwks.json` | none |

#[cfg(feature = "service")]
mod access_log;
#[cfg(feature = "service")]
mod answered;
pub mod auth_token;
pub mod client_certificate;
#[cfg(feature = "service")]
pub mod forward_auth;
pub mod guard;
#[cfg(feature = "service")]
mod health;
pub mod identity;
#[cfg(feature = "service")]
mod idle;
#[cfg(feature = "service")]
mod jwks;
#[cfg(feature = "service")]
pub mod listener;
#[cfg(feature = "service")]
pub mod metrics;
#[cfg(feature = "service")]
pub mod peer;
pub mod problem;
#[cfg(feature = "service")]
mod read_off;
#[cfg(feature = "service")]
pub mod registry;
#[cfg(feature = "service")]
pub mod registry_health;
#[cfg(feature = "service")]
mod request_size;
#[cfg(feature = "service")]
pub mod route;
#[cfg(feature = "service")]
pub mod routes;
#[cfg(feature = "service")]
pub mod state;
#[cfg(feature = "service")]
pub mod tls;
#[cfg(feature = "service")]
pub mod token;
mod unread_body;
pub mod verdict;
#[cfg(feature = "service")]
pub mod verify_health;
