//! Forward authentication: a reverse proxy asks whether a request may pass, and the status of the answer says so. Any
//! language can stand behind it.
//!
//! | file | what lives there |
//! |---|---|
//! | `state` | what every question shares, and how a policy is replaced while questions come |
//! | `question` | where a question goes: one request, a batch, a probe |
//! | `original` | method and path of the client's own request |
//! | `decision` | from a question to yes or no, counted and logged |
//! | `answer` | yes and no as answers |
//! | `batch` | many tokens in one question |
//! | `probe` | what the proxy handed over |

mod answer;
mod batch;
mod decision;
mod original;
mod probe;
mod question;
mod state;

use actix_web::web;

pub use self::batch::{BATCH_REFUSED, BatchFault};
pub use self::state::{ForwardAuth, InForce, Parts};

/// What the listener answers.
pub fn routes(state: web::Data<ForwardAuth>) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config.app_data(state.clone()).default_service(web::to(question::answer));
    }
}
