//! [`Class`], the authorisation class. What a class may do is agreed between participants, not here.

use std::str::FromStr;

use super::text::text_value;

/// An authorisation class, the value of `bobAuthZ` (BoB Manual, "API Authentication and Authorization").
///
/// An open set: the standard names [`Class::KNOWN`] and participants may define more. 1 to 32 of `A-Z a-z 0-9 - . _`,
/// starting with a letter, case-sensitive.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class(Box<str>);

/// Why a text is no class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a class is a letter followed by at most 31 of A-Z a-z 0-9 - . _ (the standard names val, ins, tvm and pos)")]
pub struct ClassError;

impl Class {
    /// The classes that the standard defines: validator, inspector, ticket vending machine, point of sale.
    pub const KNOWN: [&'static str; 4] = ["val", "ins", "tvm", "pos"];
    const MAX_LEN: usize = 32;

    /// What the standard calls this class, if it is one of its own.
    pub fn description(&self) -> Option<&'static str> {
        match self.as_str() {
            "val" => Some("validator"),
            "ins" => Some("inspector"),
            "tvm" => Some("ticket vending machine"),
            "pos" => Some("point of sale"),
            _ => None,
        }
    }
}

impl FromStr for Class {
    type Err = ClassError;

    fn from_str(text: &str) -> Result<Self, ClassError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        if !starts_well || text.len() > Self::MAX_LEN || !text.bytes().all(allowed) {
            return Err(ClassError);
        }
        Ok(Self(text.into()))
    }
}

text_value!(Class);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_of_the_standard_have_descriptions() {
        for name in Class::KNOWN {
            assert!(name.parse::<Class>().unwrap().description().is_some(), "{name}");
        }
        assert_eq!("gate".parse::<Class>().unwrap().description(), None);
    }

    #[test]
    fn a_class_needs_a_letter_first_and_no_blanks() {
        for text in ["", "1a", "-a", "v al", "val\"", "é", &"x".repeat(33)] {
            assert_eq!(text.parse::<Class>(), Err(ClassError), "{text:?}");
        }
    }
}
