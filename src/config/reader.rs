//! A cursor over the parsed file: [`Document`], [`Section`], [`Entry`]. It knows where everything was written, falls back
//! to the defaults, and collects faults instead of stopping at the first one. Which keys there are is in `keys`, how a
//! value reads in `entry`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults, Place, Position};
use super::files::FileUse;
use super::keys;

/// A fault was found and recorded; whoever gets this need not say it again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported;

/// What reading gives.
pub(super) type Read<T> = Result<T, Reported>;

/// The file that is being read, with everything found wrong with it so far.
pub(super) struct Document<'a> {
    pub(super) origin: Origin<'a>,
    given: &'a DeTable<'a>,
    defaults: &'a DeTable<'a>,
    faults: RefCell<Vec<Fault>>,
    files: RefCell<Vec<FileUse>>,
}

/// Where a document comes from and what it may refer to.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    /// What relative paths are relative to.
    pub(super) base: &'a Path,
    /// Looks up a variable of the environment.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

/// One table of the file, over the table (or none) whose values hold where it is silent, over the defaults.
pub(super) struct Section<'a> {
    document: &'a Document<'a>,
    path: String,
    header: Option<Position>,
    layers: Vec<Layer<'a>>,
}

struct Layer<'a> {
    path: String,
    table: &'a DeTable<'a>,
    written: bool,
}

/// One value with its place.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) place: Place,
    pub(super) value: &'a DeValue<'a>,
    /// How far down it was found; the least is the most special.
    depth: usize,
}

impl<'a> Document<'a> {
    pub(super) fn new(origin: Origin<'a>, given: &'a DeTable<'a>, defaults: &'a DeTable<'a>) -> Self {
        Self { origin, given, defaults, faults: RefCell::default(), files: RefCell::default() }
    }

    /// Everything as it was written.
    pub(super) fn given(&self) -> &'a DeTable<'a> {
        self.given
    }

    /// The table with this path.
    pub(super) fn section(&'a self, path: &str) -> Section<'a> {
        self.section_over(path, None, path)
    }

    /// The table with this path, over the one called `below`; the defaults are those of the section `defaults`.
    pub(super) fn section_over(&'a self, path: &str, below: Option<&str>, defaults: &str) -> Section<'a> {
        let mut layers = Vec::new();
        let found = find(self.given, path);
        for (path, table) in [
            (path, found.map(|(table, _)| table)),
            (below.unwrap_or(path), below.and_then(|p| find(self.given, p)).map(|(t, _)| t)),
        ] {
            if let Some(table) = table {
                layers.push(Layer { path: path.to_owned(), table, written: true });
            }
        }
        if let Some((table, _)) = find(self.defaults, defaults) {
            layers.push(Layer { path: path.to_owned(), table, written: false });
        }
        let header = found.and_then(|(_, at)| at).map(|at| self.position(at));
        Section { document: self, path: path.to_owned(), header, layers }
    }

    /// The names right below this path, as they were written.
    pub(super) fn names_below(&self, path: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        find(self.given, path).into_iter().flat_map(|(table, _)| table.keys()).map(|name| name.get_ref().as_ref())
    }

    /// The position of a byte of the file.
    pub(super) fn position(&self, byte: usize) -> Position {
        Position::of_byte(self.origin.text, byte)
    }

    /// The place of a key that was written at this byte.
    pub(super) fn place(&self, byte: usize, key: String) -> Place {
        Place { file: self.origin.file.to_owned(), position: Some(self.position(byte)), key }
    }

    /// Records a fault.
    pub(super) fn fault(&self, place: Place, problem: impl Into<String>, remedy: impl Into<String>) -> Reported {
        self.faults.borrow_mut().push(Fault { place, problem: problem.into(), remedy: remedy.into() });
        Reported
    }

    /// Records a fault with the file as a whole.
    pub(super) fn fault_of_whole(&self, problem: &str, remedy: &str) -> Reported {
        self.fault(Place::whole(self.origin.file), problem, remedy)
    }

    /// Remembers a file that the settings refer to.
    pub(super) fn uses(&self, file: FileUse) {
        self.files.borrow_mut().push(file);
    }

    /// A path as written in the file, made independent of the working directory.
    pub(super) fn resolve(&self, written: &str) -> PathBuf {
        self.origin.base.join(written)
    }

    /// What was found: faults, or else the files referred to.
    pub(super) fn finish(self) -> Result<Vec<FileUse>, Faults> {
        let faults = self.faults.into_inner();
        if faults.is_empty() { Ok(self.files.into_inner()) } else { Err(Faults::new(faults)) }
    }
}

impl<'a> Section<'a> {
    /// Whether the table was written.
    pub(super) fn is_written(&self) -> bool {
        self.header.is_some()
    }

    /// The value of this key, or its default, if there is either.
    pub(super) fn entry(&self, name: &str) -> Option<Entry<'a>> {
        self.layers.iter().enumerate().find_map(|(depth, layer)| {
            let value = layer.table.get(name)?;
            let position = layer.written.then(|| self.document.position(value.span().start));
            let place = Place { file: self.document.origin.file.to_owned(), position, key: join(&layer.path, name) };
            Some(Entry { document: self.document, place, value: value.get_ref(), depth })
        })
    }

    /// Reads a key that has a default or must be written.
    pub(super) fn read<T>(&self, name: &str, read: impl FnOnce(&Entry<'a>) -> Read<T>) -> Read<T> {
        let Some(entry) = self.entry(name) else {
            let sample = keys::sample(&self.path, name).unwrap_or("...");
            return Err(self.fault(name, "is missing", format!("write for example {name} = {sample}")));
        };
        read(&entry)
    }

    /// Reads a key that may be absent.
    pub(super) fn optional<T>(&self, name: &str, read: impl FnOnce(&Entry<'a>) -> Read<T>) -> Read<Option<T>> {
        self.entry(name).map(|entry| read(&entry)).transpose()
    }

    /// Records a fault with a key of this table, written or not.
    pub(super) fn fault(&self, name: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Reported {
        self.document.fault(self.place(name), problem, remedy)
    }

    /// Records a fault that lies between two keys, at the one which is more special.
    pub(super) fn fault_between(&self, first: &str, second: &str, problem: String, remedy: &str) -> Reported {
        let depth = |name| self.entry(name).map_or(usize::MAX, |entry| entry.depth);
        let name = if depth(second) < depth(first) { second } else { first };
        self.fault(name, problem, remedy)
    }

    /// The place of a key: where it stands, or else the head of the table.
    fn place(&self, name: &str) -> Place {
        if let Some(entry) = self.entry(name).filter(|entry| entry.place.position.is_some()) {
            return entry.place;
        }
        Place { file: self.document.origin.file.to_owned(), position: self.header, key: join(&self.path, name) }
    }
}

impl<'a> Entry<'a> {
    /// Records a fault with this value.
    pub(super) fn fault(&self, problem: impl Into<String>, remedy: impl Into<String>) -> Reported {
        self.document.fault(self.place.clone(), problem, remedy)
    }

    /// A value inside this one, under a longer path or (for lists) the same.
    pub(super) fn inner(&self, key: Option<&str>, value: &'a Spanned<DeValue<'a>>) -> Self {
        let mut inner = self.clone();
        inner.value = value.get_ref();
        inner.place.position = self.place.position.map(|_| self.document.position(value.span().start));
        if let Some(key) = key {
            inner.place.key = join(&self.place.key, key);
        }
        inner
    }
}

/// Two parts of a path with a dot between them, if there are two.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The table with this path, and the byte where its head begins (the top of the file has none).
fn find<'a>(table: &'a DeTable<'a>, path: &str) -> Option<(&'a DeTable<'a>, Option<usize>)> {
    let mut found = (table, None);
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let value = found.0.get(name)?;
        found = (value.get_ref().as_table()?, Some(value.span().start));
    }
    Some(found)
}
