//! The Participant Metadata API 2.3.1 as both sides speak it: which operations there are, under which paths, and how the
//! bodies of single things read. The set that comes out of it is `metadata`'s affair, who may ask is `pop`'s.
//!
//! | file | what lives there |
//! |---|---|
//! | `operation` | the 28 operations: places and verbs |
//! | `body` | bodies of requests and answers |

pub mod body;
pub mod operation;
