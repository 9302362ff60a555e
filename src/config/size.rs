//! [`ByteSize`]: sizes as they are written in the file.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written as `16KiB`, `1MiB`, `1GiB`, `512B` or `512`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteSize(u64);

/// Why a text is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ByteSizeError {
    /// No number, or a unit that does not exist.
    #[error("is no size")]
    Malformed,
    /// More than 64 bits hold.
    #[error("is more than this program can count")]
    TooLarge,
}

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl ByteSize {
    /// So many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// In bytes, as sizes in memory are counted; stays at the end of the range.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = if unit.is_empty() { "B" } else { unit };
        let known = UNITS.iter().find(|(name, _)| *name == unit).filter(|_| !number.is_empty());
        let (_, bytes) = known.ok_or(ByteSizeError::Malformed)?;
        let number: u64 = number.parse().map_err(|_| ByteSizeError::TooLarge)?;
        number.checked_mul(*bytes).map(Self).ok_or(ByteSizeError::TooLarge)
    }
}

/// In the largest unit that fits: `16KiB`.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |unit: u64| self.0 > 0 && self.0.is_multiple_of(unit);
        let (name, unit) = UNITS.iter().find(|(_, unit)| fits(*unit)).unwrap_or(&("B", 1));
        f.pad(&format!("{}{name}", self.0 / unit))
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteSize({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_binary() {
        for (text, bytes) in [("16KiB", 16_384), ("1MiB", 1_048_576), ("3GiB", 3_221_225_472), ("512B", 512), ("0B", 0)]
        {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
        assert_eq!("512".parse(), Ok(ByteSize(512)));
    }

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!("18446744073709551615KiB".parse::<ByteSize>(), Err(ByteSizeError::TooLarge));
        for text in ["", "KiB", "16kb", "16 KiB", "-1", "1.5MiB", "16K"] {
            assert_eq!(text.parse::<ByteSize>(), Err(ByteSizeError::Malformed), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_a_size_gives_it_back(bytes in any::<u64>()) {
            prop_assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|[0-9]{0,30}[KMGiB]{0,3}") {
            let _ = text.parse::<ByteSize>();
        }
    }
}
