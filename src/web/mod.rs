//! Floor 6: the HTTP face, the only place that knows actix-web. No logic of its own: it reads who asks, calls a flow, and
//! writes the answer.
//!
//! | listener | routes | identity |
//! |---|---|---|
//! | token | `GET|HEAD {base}/api/v1/auth/{entityId}`, `GET|HEAD {base}/.well-known/jwks.json` if switched on | the connection's certificate |
//! | behind_proxy | the same | headers of a trusted proxy |
//! | internal | `/health/live`, `/health/ready`, `/health/ready/writes`, `/metrics`, `/.well-known/jwks.json` | none |

mod access_log;
mod answered;
mod health;
mod idle;
mod jwks;
pub mod listener;
pub mod metrics;
pub mod peer;
pub mod problem;
pub mod route;
pub mod routes;
pub mod state;
pub mod tls;
pub mod token;
