//! [`BuiltSet`]: the set as it is served, ready in every form.

use std::sync::Arc;

use crate::store::StoreError;
use crate::store::register::SetRow;
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
        Ok(self.store.register_set().await?.map(BuiltSet::from))
    }
}

impl From<SetRow> for BuiltSet {
    fn from(row: SetRow) -> Self {
        let digest = Etag::of_bytes(&row.json);
        let etag = |suffix| Etag::new(format!("{}-{digest}{suffix}", row.facts.serial));
        Self {
            serial: row.facts.serial,
            revision: row.facts.revision,
            etag: etag(""),
            gzip_etag: etag("-gzip"),
            json: row.json.into(),
            gzip: row.gzip.into(),
            built_at: row.facts.built_at,
            not_valid_after: row.facts.not_valid_after,
        }
    }
}
