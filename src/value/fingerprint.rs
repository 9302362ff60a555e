//! Fingerprints of certificates: the digests of their DER. The hashing itself is in `crypto::digest`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;

/// Why a text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// 32 hex digits are an MD5 fingerprint.
    #[error("32 hex digits are an MD5 fingerprint; BoB wants SHA-1 (40 digits)")]
    Md5,
    /// 64 hex digits where a SHA-1 is wanted.
    #[error("64 hex digits are a SHA-256 fingerprint; a SHA-1 fingerprint (40 digits) is wanted here")]
    Sha256,
    /// 40 hex digits where a SHA-256 is wanted.
    #[error("40 hex digits are a SHA-1 fingerprint; a SHA-256 fingerprint (64 digits) is wanted here")]
    Sha1,
    /// Another number of digits.
    #[error("a fingerprint of this kind has {wanted} hex digits, with or without a colon after every second one")]
    Length {
        /// How many digits it must have.
        wanted: usize,
    },
    /// A character that is no hex digit, or a colon at the wrong place.
    #[error("a fingerprint is made of hex digits, with or without a colon after every second one")]
    Character,
    /// A value that no certificate has: all zeros, or the digest of nothing.
    #[error("this is the fingerprint of no certificate (all zeros, or the digest of an empty input)")]
    NoCertificate,
}

/// The SHA-1 of a certificate's DER: what BoB calls the fingerprint, and what `bobHok` holds.
///
/// SHA-1 is the standard's choice. It serves as a name for a certificate that was enrolled beforehand, for which only
/// second-preimage resistance is needed; [`Sha256Fingerprint`] stands beside it wherever the certificate itself is seen.
#[derive(Clone, Copy, PartialOrd, Ord)]
pub struct Sha1Fingerprint([u8; 20]);

/// The SHA-256 of a certificate's DER (`x5t#S256`, RFC 8705 section 3.1).
#[derive(Clone, Copy, PartialOrd, Ord)]
pub struct Sha256Fingerprint([u8; 32]);

impl Sha1Fingerprint {
    const OF_NOTHING: [u8; 20] = [
        0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55, 0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8,
        0x07, 0x09,
    ];

    /// The fingerprint with these bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl Sha256Fingerprint {
    /// The fingerprint with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As `cnf.x5t#S256` wants it: base64url without padding.
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl FromStr for Sha1Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let bytes = parse_hex::<20>(text)?;
        if bytes == [0; 20] || bytes == Self::OF_NOTHING {
            return Err(FingerprintError::NoCertificate);
        }
        Ok(Self(bytes))
    }
}

impl FromStr for Sha256Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let bytes = parse_hex::<32>(text)?;
        if bytes == [0; 32] {
            return Err(FingerprintError::NoCertificate);
        }
        Ok(Self(bytes))
    }
}

/// Hex digits in either case, either bare or with a colon after every second digit.
fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], FingerprintError> {
    let raw = text.as_bytes();
    let colons = raw.get(2) == Some(&b':');
    let (step, digits) = if colons { (3, (raw.len() + 1) / 3 * 2) } else { (2, raw.len()) };
    let whole = if colons { raw.len() % 3 == 2 } else { raw.len().is_multiple_of(2) };
    if !whole || digits != N * 2 {
        return Err(match (digits, N) {
            (32, _) => FingerprintError::Md5,
            (64, 20) => FingerprintError::Sha256,
            (40, 32) => FingerprintError::Sha1,
            _ => FingerprintError::Length { wanted: N * 2 },
        });
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        let at = i * step;
        if colons && i > 0 && raw[at - 1] != b':' {
            return Err(FingerprintError::Character);
        }
        let (high, low) = (hex_digit(raw[at])?, hex_digit(raw[at + 1])?);
        *byte = high << 4 | low;
    }
    Ok(bytes)
}

const fn hex_digit(b: u8) -> Result<u8, FingerprintError> {
    match b {
        b'0'..=b'9' => Ok(b - b'0'),
        b'a'..=b'f' => Ok(b - b'a' + 10),
        b'A'..=b'F' => Ok(b - b'A' + 10),
        _ => Err(FingerprintError::Character),
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0_u8; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    f.pad(std::str::from_utf8(&text[..bytes.len() * 2]).map_err(|_| fmt::Error)?)
}

macro_rules! fingerprint_traits {
    ($name:ident) => {
        /// In constant time, as every comparison of fingerprints.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        /// Lower-case hex without separators, the form of `bobHok`.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

fingerprint_traits!(Sha1Fingerprint);
fingerprint_traits!(Sha256Fingerprint);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "0a9a063eb8d540cbf7dfba7697c674d14a174f7d";

    #[test]
    fn every_spelling_of_a_fingerprint_is_the_same_value() {
        let colons = "0A:9A:06:3E:B8:D5:40:CB:F7:DF:BA:76:97:C6:74:D1:4A:17:4F:7D";
        for text in [HEX, &HEX.to_uppercase(), colons, &colons.to_lowercase()] {
            assert_eq!(text.parse::<Sha1Fingerprint>().unwrap().to_string(), HEX, "{text}");
        }
    }

    #[test]
    fn other_digests_are_named_in_the_refusal() {
        let parse = |digits: usize| "a".repeat(digits).parse::<Sha1Fingerprint>().unwrap_err();
        assert_eq!(parse(32), FingerprintError::Md5);
        assert_eq!(parse(64), FingerprintError::Sha256);
        assert_eq!(parse(38), FingerprintError::Length { wanted: 40 });
        assert_eq!("a".repeat(40).parse::<Sha256Fingerprint>().unwrap_err(), FingerprintError::Sha1);
    }

    #[test]
    fn values_that_no_certificate_has_are_refused() {
        for text in ["0000000000000000000000000000000000000000", "da39a3ee5e6b4b0d3255bfef95601890afd80709"] {
            assert_eq!(text.parse::<Sha1Fingerprint>(), Err(FingerprintError::NoCertificate));
        }
    }

    #[test]
    fn separators_are_colons_after_every_second_digit_or_none() {
        for text in [
            "",
            "(null)",
            " 0a9a063eb8d540cbf7dfba7697c674d14a174f7d",
            "0a9a063eb8d540cbf7dfba7697c674d14a174f7g",
            "0a:9a063eb8d540cbf7dfba7697c674d14a174f7d",
            "0a9a:063eb8d540cbf7dfba7697c674d14a174f7d",
            "0a 9a 06 3e b8 d5 40 cb f7 df ba 76 97 c6 74 d1 4a 17 4f 7d",
            "0A:9A:06:3E:B8:D5:40:CB:F7:DF:BA:76:97:C6:74:D1:4A:17:4F:7D:",
            "0A:9A:06:3E:B8:D5:40:CB:F7:DF:BA:76:97:C6:74:D1:4A:17:4F-7D",
        ] {
            assert!(text.parse::<Sha1Fingerprint>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_a_fingerprint_gives_it_back(bytes in any::<[u8; 20]>().prop_filter("zero", |b| b != &[0; 20])) {
            let fingerprint = Sha1Fingerprint::from_bytes(bytes);
            prop_assert_eq!(fingerprint.to_string().parse::<Sha1Fingerprint>().unwrap(), fingerprint);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,100}") {
            let _ = text.parse::<Sha1Fingerprint>();
            let _ = text.parse::<Sha256Fingerprint>();
        }
    }
}
