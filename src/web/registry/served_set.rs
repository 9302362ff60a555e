//! [`ServedSet`]: a signed set in the forms in which it leaves, made once when it was built. A read copies nothing.

use actix_web::http::header::{HeaderValue, InvalidHeaderValue};
use actix_web::web::Bytes;

use crate::flow::register::{BuiltSet, Etag};
use crate::value::Timestamp;

/// A signed set, ready to leave.
#[derive(Debug)]
pub struct ServedSet {
    /// Its serial.
    pub serial: u64,
    /// The revision of the register that it shows.
    pub revision: i64,
    /// When it was built.
    pub built_at: Timestamp,
    /// After this point nobody may use it.
    pub not_valid_after: Timestamp,
    pub(super) json: Representation,
    pub(super) gzip: Representation,
}

/// One form of it.
#[derive(Debug)]
pub(super) struct Representation {
    pub(super) bytes: Bytes,
    /// Its validator without quotation marks, and with them.
    pub(super) tag: Etag,
    pub(super) etag: HeaderValue,
}

impl ServedSet {
    /// The set in its forms.
    pub fn new(set: BuiltSet) -> Result<Self, InvalidHeaderValue> {
        Ok(Self {
            serial: set.serial,
            revision: set.revision,
            built_at: set.built_at,
            not_valid_after: set.not_valid_after,
            json: Representation::new(Bytes::from_owner(set.json), set.etag)?,
            gzip: Representation::new(Bytes::from_owner(set.gzip), set.gzip_etag)?,
        })
    }

    /// How many bytes it has, and how many compressed.
    pub fn sizes(&self) -> (usize, usize) {
        (self.json.bytes.len(), self.gzip.bytes.len())
    }
}

impl Representation {
    fn new(bytes: Bytes, tag: Etag) -> Result<Self, InvalidHeaderValue> {
        Ok(Self { bytes, etag: HeaderValue::from_str(&format!("\"{tag}\""))?, tag })
    }
}
