//! Durations as they are written in the file: a whole number and a unit. Which durations make sense is each key's affair.

use std::time::Duration;

/// The units, longest first: name and milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number alone.
    #[error("has no unit")]
    NoUnit,
    /// No number, or a unit that does not exist.
    #[error("is no duration")]
    Malformed,
    /// More milliseconds than 64 bits hold.
    #[error("is longer than this program can count")]
    TooLong,
}

/// Reads a duration such as `250ms`, `15s`, `15m`, `1h` or `7d`.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(DurationError::Malformed);
    }
    if unit.is_empty() {
        return Err(DurationError::NoUnit);
    }
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(DurationError::Malformed)?;
    let number: u64 = number.parse().map_err(|_| DurationError::TooLong)?;
    number.checked_mul(*millis).map(Duration::from_millis).ok_or(DurationError::TooLong)
}

/// Writes a duration in the largest unit that fits; what is finer than a millisecond is dropped.
pub fn print(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let (name, unit) = UNITS.iter().find(|(_, unit)| millis.is_multiple_of(u128::from(*unit))).unwrap_or(&("ms", 1));
    format!("{}{name}", millis / u128::from(*unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_and_a_unit_make_a_duration() {
        for (text, millis) in
            [("250ms", 250), ("15s", 15_000), ("15m", 900_000), ("1h", 3_600_000), ("7d", 604_800_000), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
            assert_eq!(print(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!(parse("15"), Err(DurationError::NoUnit));
        assert_eq!(parse("99999999999999999999s"), Err(DurationError::TooLong));
        assert_eq!(parse("18446744073709551615d"), Err(DurationError::TooLong));
        for text in ["", "m", "-1s", "+1s", "1.5h", "1 h", "1H", "1h30m", " 1h", "1w", "١s"] {
            assert_eq!(parse(text), Err(DurationError::Malformed), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_a_duration_gives_it_back(millis in any::<u64>()) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&print(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,40}|[0-9]{0,30}[a-z]{0,3}") {
            if let Ok(duration) = parse(&text) {
                prop_assert_eq!(parse(&print(duration)), Ok(duration));
            }
        }
    }
}
