//! Floor 3: where a verifier's keys come from, and the set in force that every verification reads. What a key set *is*, and
//! how a signed one is checked, is in `protocol`.
//!
//! | file | what lives there |
//! |---|---|
//! | `current` | the set in force |
//! | `file` | key sets in files, read once |
//! | `source`, `builder` | keys that are kept fresh |
//! | `origin` | one place where keys come from |
//! | `watch`, `fetch` | how files and URLs are read again and again |
//! | `last_good`, `keeping` | the last good set of a registry on disk: how it is written, and when |
//! | `content` | what the bytes mean |
//! | `board` | the keys of every origin put together, and how each is doing |
//! | `alarm` | what is to be told of a metadata set besides that |
//! | `gate` | one reading for all who wait for a key, and rest after it |
//! | `schedule` | when a URL is fetched next |

#[cfg(feature = "live")]
mod alarm;
#[cfg(feature = "live")]
mod board;
#[cfg(feature = "live")]
mod builder;
#[cfg(feature = "live")]
mod content;
mod current;
#[cfg(feature = "live")]
mod fetch;
mod file;
#[cfg(feature = "live")]
mod gate;
#[cfg(feature = "live")]
mod keeping;
#[cfg(feature = "live")]
mod last_good;
#[cfg(feature = "live")]
mod origin;
#[cfg(feature = "live")]
mod schedule;
#[cfg(feature = "live")]
mod source;
#[cfg(feature = "live")]
mod watch;

#[cfg(feature = "live")]
pub use crate::https::{FetchError, UrlError};
#[cfg(feature = "live")]
pub use alarm::{Alarm, SetStatus};
#[cfg(feature = "live")]
pub use board::OriginStatus;
#[cfg(feature = "live")]
pub use builder::{KeySourceBuilder, KeySourceError, MetadataKeeping};
#[cfg(feature = "live")]
pub use content::ContentError;
pub use current::{CurrentKeys, Held, NoKeys};
#[cfg(feature = "live")]
pub use fetch::{FetchedSet, fetch_set};
pub use file::{FileError, read_files};
#[cfg(feature = "live")]
pub use last_good::replace_file;
#[cfg(feature = "live")]
pub use origin::{OriginError, OriginKind};
#[cfg(feature = "live")]
pub use source::KeySource;
