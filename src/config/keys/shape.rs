//! What the table of keys is made of: [`Section`], [`Key`], [`Standing`], and the names that a reader chooses himself.

use crate::value::Pid;

/// A table of the file.
pub(in crate::config) struct Section {
    /// Its path with dots; [`Chosen`] parts stand for names that differ from file to file, the empty path for the top.
    pub(in crate::config) path: &'static str,
    /// Whether it is in force without being written.
    pub(in crate::config) always: bool,
    /// The table whose keys these are, if they are explained there.
    pub(in crate::config) as_in: Option<&'static str>,
    /// What it is for.
    pub(in crate::config) about: &'static str,
    /// Its keys in the order of the template.
    pub(in crate::config) keys: &'static [Key],
}

/// A key of the file.
pub(in crate::config) struct Key {
    pub(in crate::config) name: &'static str,
    pub(in crate::config) standing: Standing,
    /// What it does and which values it takes.
    pub(in crate::config) about: &'static str,
}

/// What happens if a key is not written. The texts are TOML values.
#[derive(Clone, Copy)]
pub(in crate::config) enum Standing {
    /// This value holds.
    Default(&'static str),
    /// Nothing; an example of a value.
    Optional(&'static str),
    /// A fault; an example of a value.
    Required(&'static str),
}

/// A part of a table's path that the writer of the file chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Chosen {
    /// `PID`: a participant id.
    Pid,
    /// `NAME`: a name for this table, of the letters that TOML takes without quotes.
    Name,
}

/// A key of the table.
pub(in crate::config) const fn key(name: &'static str, standing: Standing, about: &'static str) -> Key {
    Key { name, standing, about }
}

/// A table that is in force without being written.
pub(in crate::config) const fn section(path: &'static str, about: &'static str, keys: &'static [Key]) -> Section {
    Section { path, always: true, as_in: None, about, keys }
}

/// A table that is in force only if it is written.
pub(in crate::config) const fn switched_off(path: &'static str, about: &'static str, keys: &'static [Key]) -> Section {
    Section { path, always: false, as_in: None, about, keys }
}

impl Section {
    /// Whether a part of its path is for the writer of the file to choose.
    pub(in crate::config) fn is_pattern(&self) -> bool {
        self.path.split('.').any(|part| Chosen::of(part).is_some())
    }

    /// Whether a table with this path is one of these.
    pub(in crate::config) fn covers(&self, path: &str) -> bool {
        let (mut pattern, mut parts) = (self.path.split('.'), path.split('.'));
        loop {
            match (pattern.next(), parts.next()) {
                (None, None) => return true,
                (Some(wanted), Some(part)) if wanted == part => {}
                (Some(wanted), Some(part)) if Chosen::of(wanted).is_some_and(|chosen| chosen.accepts(part)) => {}
                _ => return false,
            }
        }
    }

    /// Its path with examples in the place of what is to be chosen.
    pub(in crate::config) fn sample_path(&self) -> String {
        let part = |part: &'static str| Chosen::of(part).map_or(part, Chosen::sample);
        self.path.split('.').map(part).collect::<Vec<_>>().join(".")
    }
}

impl Chosen {
    /// What this part of a pattern stands for; `None` if for itself.
    pub(in crate::config) fn of(part: &str) -> Option<Self> {
        match part {
            "PID" => Some(Self::Pid),
            "NAME" => Some(Self::Name),
            _ => None,
        }
    }

    /// Whether this may stand in its place.
    pub(in crate::config) fn accepts(self, written: &str) -> bool {
        match self {
            Self::Pid => written.parse::<Pid>().is_ok(),
            Self::Name => {
                !written.is_empty() && written.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            }
        }
    }

    /// What is wrong with what it does not accept, and what to write.
    pub(in crate::config) const fn fault(self) -> (&'static str, &'static str) {
        match self {
            Self::Pid => ("is no participant id", "write a positive whole number"),
            Self::Name => ("is no name for a table", "use letters, digits, hyphens and underscores only"),
        }
    }

    const fn sample(self) -> &'static str {
        match self {
            Self::Pid => "74",
            Self::Name => "validation",
        }
    }
}
