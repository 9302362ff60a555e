//! [`Kid`], the id of a key. Which key it names, and whose, is decided by who looks it up.

use std::str::FromStr;

use super::text::text_value;

/// A key id (RFC 7515 section 4.1.4), unique inside one participant only: a look-up is always by (pid, kid).
///
/// 1 to [`Kid::MAX_LEN`] visible ASCII characters without `"` and `\`, so that it can be written into a JSON header as it
/// is. Customary: `<pid>:<yyyymmdd>_<n>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kid(Box<str>);

/// Why a text is no key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id has 1 to {max} visible ASCII characters, without quotation mark and backslash", max = Kid::MAX_LEN)]
pub struct KidError;

impl Kid {
    /// The most characters a key id may have.
    pub const MAX_LEN: usize = 128;
}

impl FromStr for Kid {
    type Err = KidError;

    fn from_str(text: &str) -> Result<Self, KidError> {
        let allowed = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.bytes().all(allowed) {
            return Err(KidError);
        }
        Ok(Self(text.into()))
    }
}

text_value!(Kid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kids_seen_in_the_field_are_accepted() {
        for text in ["auth20170320", "34:20190101_bob_mtb", "16:samtrafiken_one", "../../dev/null"] {
            assert_eq!(text.parse::<Kid>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_would_need_escaping_is_refused() {
        for text in ["", "a b", "a\"b", "a\\b", "a\n", "a\0", "å", &"x".repeat(Kid::MAX_LEN + 1)] {
            assert_eq!(text.parse::<Kid>(), Err(KidError), "{text:?}");
        }
    }
}
