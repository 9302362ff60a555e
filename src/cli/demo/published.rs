//! [`Published`]: the registry's signed set as everybody sees it.

use super::failure::Failure;
use super::partner_api::Registry;
use crate::https::{HttpsClient, HttpsUrl};
use crate::key_source::fetch_set;
use crate::protocol::metadata::{Environment, MetadataSet, SignedSet, TrustAnchors};
use crate::value::{Clock as _, Pid, SystemClock};

/// A set, as it came and as it was verified.
pub(super) struct Published {
    pub(super) bytes: Vec<u8>,
    pub(super) set: MetadataSet,
}

impl Published {
    /// Fetches the set and verifies it under the anchors.
    pub(super) async fn fetch(registry: &Registry) -> Result<Self, Failure> {
        let client = HttpsClient::new(registry.ca.as_deref(), std::time::Duration::from_secs(5))?;
        let fetched = fetch_set(&client, &HttpsUrl::parse(&registry.set)?, None).await?;
        let bytes = fetched.bytes.ok_or_else(|| Failure::new("the registry sent no set"))?;
        let set = SignedSet::verify(&bytes, &anchors(registry)?, SystemClock.now())?;
        Ok(Self { bytes, set })
    }

    pub(super) fn serial(&self) -> u64 {
        self.set.header().serial
    }

    /// The ids of a participant's keys in it.
    pub(super) fn kids(&self, pid: Pid) -> Vec<String> {
        let participant = self.set.participant(pid);
        participant.into_iter().flat_map(|one| &one.authtoken_keys).map(|key| key.kid.to_string()).collect()
    }
}

/// Whom to believe.
pub(super) fn anchors(registry: &Registry) -> Result<TrustAnchors, Failure> {
    Ok(TrustAnchors::parse(&registry.trust, Environment::Production)?)
}
