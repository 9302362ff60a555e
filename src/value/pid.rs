//! [`Pid`], the participant id. What a participant is and owns is not here.

use std::fmt;
use std::num::NonZeroI64;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A participant id: a positive 64-bit integer (Participant Metadata API 2.3.1, `pid`: int64).
///
/// It is a number in metadata and a decimal *string* in the `iss` claim (Authentication API 1.3.3); [`fmt::Display`]
/// gives the latter. A spelling with a sign, a leading zero or white space is refused, so one pid has one spelling.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid(NonZeroI64);

/// Why a text or number is no participant id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a participant id is a whole number from 1 to 9223372036854775807, written without sign or leading zero")]
pub struct PidError;

impl Pid {
    /// The pid of this number, if it is positive.
    pub const fn new(number: i64) -> Result<Self, PidError> {
        match NonZeroI64::new(number) {
            Some(n) if n.get() > 0 => Ok(Self(n)),
            _ => Err(PidError),
        }
    }

    /// The number itself.
    pub const fn get(self) -> i64 {
        self.0.get()
    }
}

impl FromStr for Pid {
    type Err = PidError;

    fn from_str(text: &str) -> Result<Self, PidError> {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        if !digits || text.starts_with('0') {
            return Err(PidError);
        }
        text.parse().map_err(|_| PidError).and_then(Self::new)
    }
}

impl TryFrom<i64> for Pid {
    type Error = PidError;

    fn try_from(number: i64) -> Result<Self, PidError> {
        Self::new(number)
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pid({})", self.0)
    }
}

impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.get())
    }
}

impl<'de> Deserialize<'de> for Pid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_prints_as_it_was_written() {
        assert_eq!("9223372036854775807".parse::<Pid>().unwrap().to_string(), "9223372036854775807");
    }

    #[test]
    fn other_spellings_of_a_number_are_refused() {
        for text in ["", "0", "-1", "+1", "01", " 1", "1 ", "1.0", "1e3", "9223372036854775808", "٣"] {
            assert_eq!(text.parse::<Pid>(), Err(PidError), "{text:?}");
        }
    }
}
