//! [`Rate`]: rates as they are written in the file.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// So many per second, minute or hour, written `20/s`, `600/m` or `1000/h`; never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    per: Per,
}

/// The unit of time of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Per {
    /// `/s`
    Second,
    /// `/m`
    Minute,
    /// `/h`
    Hour,
}

/// Why a text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// A number alone.
    #[error("has no unit")]
    NoUnit,
    /// Nothing per something.
    #[error("would let nothing through")]
    Zero,
    /// Anything else.
    #[error("is no rate")]
    Malformed,
    /// More than 32 bits hold.
    #[error("is more than this program can count")]
    TooLarge,
}

impl Rate {
    /// So many per unit of time.
    pub const fn new(count: NonZeroU32, per: Per) -> Self {
        Self { count, per }
    }

    /// How many.
    pub const fn count(self) -> NonZeroU32 {
        self.count
    }

    /// In which time.
    pub const fn per(self) -> Per {
        self.per
    }

    /// The time between two, at an even pace; never zero.
    pub fn interval(self) -> Duration {
        // At least a nanosecond, since a quota with no interval has no meaning.
        (self.per.duration() / self.count.get()).max(Duration::from_nanos(1))
    }
}

impl Per {
    /// The unit's length.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        })
    }

    const fn letter(self) -> char {
        match self {
            Self::Second => 's',
            Self::Minute => 'm',
            Self::Hour => 'h',
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (number, unit) = text.split_once('/').unwrap_or((text, ""));
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RateError::Malformed);
        }
        let per = match unit {
            "s" => Per::Second,
            "m" => Per::Minute,
            "h" => Per::Hour,
            "" => return Err(RateError::NoUnit),
            _ => return Err(RateError::Malformed),
        };
        let number: u32 = number.parse().map_err(|_| RateError::TooLarge)?;
        NonZeroU32::new(number).map(|count| Self { count, per }).ok_or(RateError::Zero)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.count, self.per.letter()))
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rate({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rate_has_an_interval() {
        for (text, millis) in [("20/s", 50), ("600/m", 100), ("3600/h", 1000)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.interval(), Duration::from_millis(millis));
            assert_eq!(rate.to_string(), text);
        }
        assert_eq!("4294967295/s".parse::<Rate>().unwrap().interval(), Duration::from_nanos(1));
    }

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!("20".parse::<Rate>(), Err(RateError::NoUnit));
        assert_eq!("0/s".parse::<Rate>(), Err(RateError::Zero));
        assert_eq!("4294967296/s".parse::<Rate>(), Err(RateError::TooLarge));
        for text in ["", "/s", "-1/s", "+1/s", "1/d", "1/ s", "1/s/s", "1.5/s"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError::Malformed), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_a_rate_gives_it_back(count in 1_u32.., per in 0..3_usize) {
            let per = [Per::Second, Per::Minute, Per::Hour][per];
            let rate = Rate::new(NonZeroU32::new(count).unwrap(), per);
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
            prop_assert!(!rate.interval().is_zero());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|[0-9]{0,15}/[smh]{0,2}") {
            let _ = text.parse::<Rate>();
        }
    }
}
