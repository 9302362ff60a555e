//! [`BuiltSet`]: the set as it is served, ready in every form.

use std::sync::Arc;

use crate::store::StoreError;
use crate::value::Timestamp;

use super::handle::Register;
use super::outcome::Etag;

/// A signed set. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltSet {
    /// Its serial; no other content ever has it.
    pub serial: u64,
    /// The revision of the register that it shows.
    pub revision: i64,
    /// The validator of `json`.
    pub etag: Etag,
    /// The validator of `gzip`: another representation is another thing (RFC 9110 section 8.8.3.3).
    pub gzip_etag: Etag,
    /// A JWS in JSON serialisation.
    pub json: Arc<[u8]>,
    /// The same, compressed.
    pub gzip: Arc<[u8]>,
    /// When it was built.
    pub built_at: Timestamp,
    /// After this point nobody may use it.
    pub not_valid_after: Timestamp,
}

impl Register {
    /// The set that was built last, as it was built; `None` before the first.
    pub async fn current_set(&self) -> Result<Option<BuiltSet>, StoreError> {
        unimplemented!()
    }
}
