//! [`IsoDuration`]: durations of ISO 8601 as metadata writes them (`P3W`, `P1DT12H`). Fractions and signs are not used there.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A duration, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsoDuration {
    text: Box<str>,
    months: u64,
    seconds: u64,
}

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a duration is written like P3W, P1D or PT12H (ISO 8601, whole numbers)")]
pub struct IsoDurationError;

/// Before the `T`: letter, months, seconds. In this order, each at most once.
const DATE: [(u8, u64, u64); 4] = [(b'Y', 12, 0), (b'M', 1, 0), (b'W', 0, 604_800), (b'D', 0, 86_400)];
/// After it.
const TIME: [(u8, u64, u64); 3] = [(b'H', 0, 3600), (b'M', 0, 60), (b'S', 0, 1)];
/// Of one number: nine digits cannot overflow the sums.
const MAX_DIGITS: usize = 9;

impl IsoDuration {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How long it is, unless it counts months or years, which have no length of their own.
    pub fn as_seconds(&self) -> Option<u64> {
        (self.months == 0).then_some(self.seconds)
    }
}

impl FromStr for IsoDuration {
    type Err = IsoDurationError;

    fn from_str(text: &str) -> Result<Self, IsoDurationError> {
        let rest = text.strip_prefix('P').ok_or(IsoDurationError)?;
        let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
        if time.map_or(date, |time| time).is_empty() {
            return Err(IsoDurationError);
        }
        let (months, days) = sum(date, &DATE)?;
        let (_, seconds) = sum(time.unwrap_or_default(), &TIME)?;
        Ok(Self { text: text.into(), months, seconds: days + seconds })
    }
}

/// The months and seconds of one half.
fn sum(text: &str, units: &[(u8, u64, u64)]) -> Result<(u64, u64), IsoDurationError> {
    let (mut months, mut seconds, mut rest, mut units) = (0, 0, text.as_bytes(), units.iter());
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=MAX_DIGITS).contains(&digits) {
            return Err(IsoDurationError);
        }
        let (number, unit) = rest.split_at(digits);
        let number = number.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        let letter = unit.first().ok_or(IsoDurationError)?;
        let (_, per_month, per_second) = units.find(|(known, ..)| known == letter).ok_or(IsoDurationError)?;
        months += number * per_month;
        seconds += number * per_second;
        rest = &unit[1..];
    }
    Ok((months, seconds))
}

impl fmt::Display for IsoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for IsoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_of_the_field_have_their_length() {
        for (text, seconds) in [
            ("P3W", Some(1_814_400)),
            ("P1D", Some(86_400)),
            ("PT24H", Some(86_400)),
            ("P1DT12H30M5S", Some(131_405)),
            ("PT0S", Some(0)),
            ("P1M", None),
            ("P1Y2DT3M", None),
        ] {
            let duration: IsoDuration = text.parse().unwrap();
            assert_eq!((duration.as_seconds(), duration.as_str()), (seconds, text));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "3W",
            "p3w",
            "P-3W",
            "P3",
            "PW",
            "P1.5D",
            "P1D1D",
            "P1D2W",
            "P1H",
            "PT1D",
            "P9999999999D",
            "P1D ",
        ] {
            assert_eq!(text.parse::<IsoDuration>(), Err(IsoDurationError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,20}|P([0-9]{0,10}[YMWDTHS]){0,9}") {
            let _ = text.parse::<IsoDuration>();
        }
    }
}
