//! [`Rule`]: who may call what, under a name.

use super::path::{PathFault, check_text, segments};
use crate::flow::verify::Allowed;
use crate::value::{Class, Pid};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    name: Box<str>,
    /// Its path, segment by segment.
    segments: Vec<Box<str>>,
    /// Without any: every method.
    methods: Vec<Box<str>>,
    allow: Vec<Allowed>,
}

/// Why a text is no path of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It would never fit.
    #[error("{0}")]
    Path(PathFault),
    /// Rules are compared with decoded paths.
    #[error("holds %, ?, ; or #, which no path that is compared with it has")]
    Written,
}

impl Rule {
    /// A rule for this path and everything below it.
    pub fn new(name: &str, path: &str, methods: Vec<Box<str>>, allow: Vec<Allowed>) -> Result<Self, RuleError> {
        if !path.starts_with('/') {
            return Err(RuleError::Path(PathFault::NotAbsolute));
        }
        if path.contains(['%', '?', ';', '#']) {
            return Err(RuleError::Written);
        }
        if path.contains('\\') {
            return Err(RuleError::Path(PathFault::Character));
        }
        check_text(path).map_err(RuleError::Path)?;
        let segments = segments(path).map(Into::into).collect();
        Ok(Self { name: name.into(), segments, methods, allow })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many segments its path has.
    pub(super) fn depth(&self) -> usize {
        self.segments.len()
    }

    /// Whether it is about the path with these segments.
    pub(super) fn covers(&self, path: &[&str]) -> bool {
        path.len() >= self.depth() && self.segments.iter().zip(path).all(|(own, other)| **own == **other)
    }

    /// The same for a reader to whom upper case is lower case.
    pub(super) fn covers_in_any_case(&self, path: &[&str]) -> bool {
        path.len() >= self.depth() && self.segments.iter().zip(path).all(|(own, other)| own.eq_ignore_ascii_case(other))
    }

    /// Whether it is about this method.
    pub(super) fn has(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|own| **own == *method)
    }

    /// Whether there is a request on which both would decide.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let shared = self.methods.iter().any(|method| other.methods.contains(method));
        self.segments == other.segments && (self.methods.is_empty() || other.methods.is_empty() || shared)
    }

    /// Whether callers of this issuer and class may pass.
    pub fn permits(&self, issuer: Pid, class: &Class) -> bool {
        self.allow.iter().any(|allowed| allowed.permits(issuer, class))
    }
}
