//! [`OriginalPath`]: the path that a client asked for, taken only if every reader must understand it alike. Between this
//! verifier and the back end that serves the request there is room for a dispute about dots, slashes and escapes; whatever
//! could be disputed is refused.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// A path, percent-decoded once, without its query. It begins with a slash and holds no segment that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalPath<'a>(Cow<'a, str>);

/// Why a path is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// It does not begin with a slash: absolute form, `*`, or nothing.
    #[error("does not begin with a slash")]
    NotAbsolute,
    /// A character that no path on the wire has: a control, a blank, `#`, or a backslash.
    #[error("holds a character that must not stand in it")]
    Character,
    /// `%` without two hex digits.
    #[error("holds a % that is no escape")]
    Escape,
    /// An escaped slash, backslash or control character.
    #[error("escapes a slash, a backslash or a control character")]
    EscapedSeparator,
    /// Escapes inside escapes.
    #[error("is escaped twice")]
    EscapedTwice,
    /// No UTF-8.
    #[error("is no UTF-8")]
    Encoding,
    /// Two slashes in a row.
    #[error("holds two slashes in a row")]
    EmptySegment,
    /// A segment of dots, however it is dressed.
    #[error("holds a segment of dots")]
    Dots,
    /// Parameters after a semicolon on which it depends what the path leads to.
    #[error("leads elsewhere for readers that cut off what follows a semicolon")]
    Parameters,
    /// It depends on the reader's habits with letters, ends of names and escapes what the path leads to.
    #[error(
        "leads elsewhere for readers to whom upper case is lower case, a full stop or blank at the end of a name is \
         nothing, or an escaped ? or # ends the path"
    )]
    Habits,
}

/// Characters that some readers turn into a dot, a slash or a backslash (Unicode compatibility forms).
const LOOKALIKES: [char; 14] = [
    '\u{2024}', '\u{2025}', '\u{2026}', '\u{fe19}', '\u{fe30}', '\u{fe52}', '\u{ff0e}', '\u{2100}', '\u{2101}',
    '\u{2105}', '\u{2106}', '\u{ff0f}', '\u{fe68}', '\u{ff3c}',
];

impl<'a> OriginalPath<'a> {
    /// Reads path and query as they were on the wire.
    pub fn parse(target: &'a [u8]) -> Result<Self, PathFault> {
        let raw = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        if raw.first() != Some(&b'/') {
            return Err(PathFault::NotAbsolute);
        }
        // The query as well: a line break in it would be one in the next server's log.
        if target.iter().any(u8::is_ascii_control) || raw.iter().any(|byte| b" #\\".contains(byte)) {
            return Err(PathFault::Character);
        }
        check_escapes(raw)?;
        let path: Cow<'a, [u8]> = percent_decode(raw).into();
        let path = match path {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| PathFault::Encoding)?,
            Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| PathFault::Encoding)?,
        };
        if holds_escape(path.as_bytes()) {
            return Err(PathFault::EscapedTwice);
        }
        check_text(&path)?;
        Ok(Self(path))
    }

    /// What is between the slashes; a slash at the end makes no difference.
    pub fn segments(&self) -> Vec<&str> {
        segments(&self.0).collect()
    }

    /// The same without what follows semicolons, if there are any.
    pub(super) fn segments_without_parameters(&self) -> Option<Vec<&str>> {
        self.0.contains(';').then(|| segments(&self.0).map(before_parameters).filter(|one| !one.is_empty()).collect())
    }

    /// The same as the most careless reader takes it, but for letter case.
    pub(super) fn segments_read_carelessly(&self) -> Vec<&str> {
        let path = self.0.split(['?', '#']).next().unwrap_or_default();
        let ends = |c: char| c == '.' || c.is_whitespace();
        segments(path).map(|one| before_parameters(one).trim_end_matches(ends)).filter(|one| !one.is_empty()).collect()
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The segments of a path that begins with a slash.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Every `%` begins an escape, and none of them hides what would have been refused in the open.
fn check_escapes(raw: &[u8]) -> Result<(), PathFault> {
    for (at, _) in raw.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let digits = raw.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or(PathFault::Escape)?;
        if byte.is_ascii_control() || b"/\\".contains(&byte) {
            return Err(PathFault::EscapedSeparator);
        }
    }
    Ok(())
}

fn holds_escape(path: &[u8]) -> bool {
    path.windows(3).any(|three| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit))
}

/// What must hold for the decoded path, and for that of a rule.
pub(super) fn check_text(path: &str) -> Result<(), PathFault> {
    if path.contains(LOOKALIKES) || path.contains(char::is_control) {
        return Err(PathFault::Character);
    }
    if path.contains("//") {
        return Err(PathFault::EmptySegment);
    }
    if segments(path).any(is_dots) {
        return Err(PathFault::Dots);
    }
    Ok(())
}

/// `.` and `..`, also with parameters, and their kin of more dots and blanks, which some file systems take for them.
fn is_dots(segment: &str) -> bool {
    let name = before_parameters(segment);
    name.contains('.') && name.chars().all(|c| c == '.' || c.is_whitespace())
}

fn before_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}
