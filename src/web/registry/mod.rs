//! The registry: the Participant Metadata API (base path `/api/v2`). Participants act under their own pid, with proof of
//! possession of one of their metadata keys; the signed set of all of them is for everybody.
//!
//! | file | what lives there |
//! |---|---|
//! | `state` | what every request shares, and how a piece of it is replaced while requests go on |
//! | `request` | where a request goes: the set, an operation, or nowhere |
//! | `whole_set` | the set read: bytes that were ready before anybody asked |
//! | `served_set`, `slices` | these bytes, and how they leave |
//! | `operation` | one operation: proven, limited, performed, answered |
//! | `proof` | who asks: the checks of a proof of possession, in their order |
//! | `conditions` | `If-Match` and `If-None-Match` |
//! | `replay` | proofs that were seen |
//! | `folding` | whether changes are being folded into the set |
//! | `refusal` | every reason for which a request is refused, and the one table from it to the wire |
//! | `reply` | answers, with the registry's signature |
//! | `record` | what is counted and logged |

mod conditions;
mod folding;
mod operation;
mod proof;
mod record;
mod refusal;
mod replay;
mod reply;
mod request;
mod served_set;
mod slices;
mod state;
mod whole_set;

use actix_web::web;

pub use self::folding::Folding;
pub use self::refusal::{ALL, REASONS};
pub use self::replay::{Capacity, ReplayGuard, Seen};
pub use self::served_set::ServedSet;
pub use self::state::{InForce, Parts, RegistryFace, RequestLimits};

/// What the listener answers.
pub fn routes(state: web::Data<RegistryFace>) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config.app_data(state.clone()).default_service(web::to(request::answer));
    }
}
