//! The register of an administering body (tables `register_*`): what participants publish, byte for byte as it is answered,
//! every kid that ever was, the anchors, and the set that was built last. What may be published is decided above.
//!
//! | file | what lives there |
//! |---|---|
//! | `fault` | what contradicts the register |
//! | `rows` | records from columns |
//! | `change` | [`RegisterChange`], the one way to change anything |
//! | `entries` | single things and lists |
//! | `participants` | who is registered |
//! | `metadata_keys` | what participants prove themselves with |
//! | `anchor_state`, `anchors` | the keys of the administering body |
//! | `sets` | sets built and kept |
//! | `whole` | the register copied out, and into an empty one |

mod anchor_state;
mod anchors;
mod change;
mod entries;
mod fault;
mod metadata_keys;
mod participants;
mod rows;
mod sets;
mod whole;

pub use anchor_state::{AnchorRole, AnchorState, UnknownWord};
pub use anchors::Anchor;
pub use change::{ProofMark, RegisterChange};
pub use entries::{Content, Entry, Kind, UsedKid};
pub use fault::RegisterFault;
pub use metadata_keys::MetadataKey;
pub use participants::Registered;
pub use sets::{RegisterState, SetFacts, SetRow, SetSource};
pub use whole::Whole;
