//! [`Fault`]: one thing that is wrong with a server, and which checks find it.

use crate::faults::Expected;
use crate::server::{Asked, Tls, Told};

/// One thing that is wrong. `S` is what the server is when nothing is.
pub(crate) struct Fault<S: 'static> {
    /// The check that finds it, and how it comes out.
    pub(crate) check: &'static str,
    pub(crate) outcome: &'static str,
    /// Other checks that find it, too.
    pub(crate) also: &'static [&'static str],
    pub(crate) tls: Tls,
    /// The wrong answer, for requests that get one.
    pub(crate) wrong: fn(&Asked, &S) -> Option<Told>,
}

pub(crate) const fn fails<S>(check: &'static str, wrong: fn(&Asked, &S) -> Option<Told>) -> Fault<S> {
    Fault { check, outcome: "fail", wrong, ..Fault::NONE }
}

pub(crate) const fn warns<S>(check: &'static str, wrong: fn(&Asked, &S) -> Option<Told>) -> Fault<S> {
    Fault { check, outcome: "warning", wrong, ..Fault::NONE }
}

pub(crate) const fn speaks<S>(check: &'static str, outcome: &'static str, tls: Tls) -> Fault<S> {
    Fault { check, outcome, tls, ..Fault::NONE }
}

impl<S> Fault<S> {
    /// Nothing is wrong.
    pub(crate) const NONE: Self = Self { check: "", outcome: "", also: &[], tls: Tls::Right, wrong: |_, _| None };

    /// The same, found by these checks as well.
    pub(crate) const fn and(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    /// What is to be found.
    pub(crate) fn expected(&self) -> Expected {
        Expected { check: self.check, outcome: self.outcome, also: Some(self.also) }
    }
}
