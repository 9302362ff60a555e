//! [`EntityId`], the name of a client inside its participant. Which entities exist is the store's affair.

use std::str::FromStr;

use super::text::text_value;

/// The id of an entity (a validator, a ticket machine, a sales system), unique inside its participant.
///
/// 1 to [`EntityId::MAX_LEN`] of `A-Z a-z 0-9 - . _ ~ : @ +`, not `.` or `..`, case-sensitive. BoB leaves the
/// characters open; this set is what host names, serial numbers and addresses need and what is safe in a path, a log
/// line and a certificate's common name alike.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(Box<str>);

/// Why a text is no entity id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntityIdError {
    /// Nothing at all.
    #[error("an entity id must not be empty")]
    Empty,
    /// More characters than [`EntityId::MAX_LEN`].
    #[error("an entity id has at most {max} characters, this one has {len}", max = EntityId::MAX_LEN)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A character outside the set.
    #[error(
        "an entity id is made of A-Z a-z 0-9 - . _ ~ : @ + and the character at position {position} is none of them"
    )]
    Character {
        /// Where the first such character stands, counted in bytes from 1.
        position: usize,
    },
    /// A path segment with a meaning of its own.
    #[error("\".\" and \"..\" are no entity ids")]
    Dots,
}

impl EntityId {
    /// The most characters an entity id may have.
    pub const MAX_LEN: usize = 128;
}

impl FromStr for EntityId {
    type Err = EntityIdError;

    fn from_str(text: &str) -> Result<Self, EntityIdError> {
        if text.is_empty() {
            return Err(EntityIdError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(EntityIdError::TooLong { len: text.len() });
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:@+".contains(&b);
        if let Some(index) = text.bytes().position(|b| !allowed(b)) {
            return Err(EntityIdError::Character { position: index + 1 });
        }
        if matches!(text, "." | "..") {
            return Err(EntityIdError::Dots);
        }
        Ok(Self(text.into()))
    }
}

text_value!(EntityId);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn host_names_serials_and_addresses_are_entity_ids() {
        for text in ["validator37", "tvm-4.example.se", "SN:0012", "reader@bus+1", "a", "...", "~x_"] {
            assert_eq!(text.parse::<EntityId>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_could_hurt_a_path_or_a_log_is_refused() {
        for text in
            ["", ".", "..", "a/b", "a\\b", "a b", "a%41", "a\r\nb", "a\0", "å", "a\u{202e}b", "a'b", "a\"b", "<a>"]
        {
            assert!(text.parse::<EntityId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_longest_id_is_accepted_and_one_more_character_refused() {
        assert!("x".repeat(EntityId::MAX_LEN).parse::<EntityId>().is_ok());
        assert_eq!(
            "x".repeat(EntityId::MAX_LEN + 1).parse::<EntityId>(),
            Err(EntityIdError::TooLong { len: EntityId::MAX_LEN + 1 })
        );
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_kept_letter_for_letter(text in "\\PC{0,200}") {
            if let Ok(id) = text.parse::<EntityId>() {
                prop_assert_eq!(id.as_str(), text.as_str());
                prop_assert!(text.is_ascii() && !text.contains(['/', '%', ' ']));
            }
        }
    }
}
