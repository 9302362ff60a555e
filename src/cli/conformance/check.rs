//! [`Check`]: one rule that a server keeps or does not. How it is found out is in the files of the three examinations.

use serde::Serialize;

/// Which kind of server a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Subject {
    /// An Authentication API: it gives out tokens.
    Auth,
    /// A service that takes tokens in `X-BoB-AuthToken`.
    Api,
    /// A participant metadata registry.
    Metadata,
}

impl Subject {
    /// The word on the command line and in reports.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Api => "api",
            Self::Metadata => "metadata",
        }
    }
}

/// How binding a rule is, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Level {
    /// Who breaks it does not speak BoB, or lets in whom it must not.
    Must,
    /// Who breaks it may have a reason: a warning.
    Should,
}

impl Level {
    /// The word of RFC 2119.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

/// One rule. Rules are constants: there is no other than those in the catalogue.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// Stable, `subject.words_of_the_rule`: `auth.token_lifetime`.
    pub(super) id: &'static str,
    /// The rule as a sentence about the server.
    pub(super) title: &'static str,
    /// Where it is written: document and section.
    pub(super) source: &'static str,
    /// How binding it is.
    pub(super) level: Level,
}

impl Check {
    pub(super) const fn must(id: &'static str, title: &'static str, source: &'static str) -> Self {
        Self { id, title, source, level: Level::Must }
    }

    pub(super) const fn should(id: &'static str, title: &'static str, source: &'static str) -> Self {
        Self { id, title, source, level: Level::Should }
    }
}
