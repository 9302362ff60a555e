//! From a file to its settings: the text read, parsed, searched for what means nothing, and handed to whoever knows what
//! the program needs of it.

use std::io::Read as _;
use std::path::Path;

use toml::de::DeTable;

use super::fault::{Fault, Faults, Place, Position};
use super::files::FileUse;
use super::reader::{Document, Origin, Read};
use super::{keys, unknown};

/// Looks up a variable of the environment.
pub(super) type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The most bytes of a configuration; a new one has some 10,000.
const LARGEST: u64 = 1024 * 1024;

/// Reads the file. Relative paths in it start at its directory.
pub(super) fn load<T>(
    path: &Path,
    env: Env<'_>,
    read: impl FnOnce(&Document<'_>) -> Read<T>,
) -> Result<(T, Vec<FileUse>), Faults> {
    let fault = |problem: String, remedy: &str| {
        Faults::new(vec![Fault { place: Place::whole(path), problem, remedy: remedy.to_owned() }])
    };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    let remedy = "correct the path, or create a configuration with `bob-auth init`";
    opened.map_err(|error| fault(format!("cannot read: {error}"), remedy))?;
    if bytes.len() as u64 > LARGEST {
        return Err(fault("is too large for a configuration".to_owned(), remedy));
    }
    let text = String::from_utf8(bytes).map_err(|_| fault("is no text in UTF-8".to_owned(), remedy))?;
    let base = path.parent().unwrap_or(Path::new(""));
    parse(Origin { file: path, text: &text, base, env }, read)
}

/// Reads the text of a file: the settings that `read` finds in it, and the files that they refer to.
pub(super) fn parse<T>(
    origin: Origin<'_>,
    read: impl FnOnce(&Document<'_>) -> Read<T>,
) -> Result<(T, Vec<FileUse>), Faults> {
    let (given, errors) = DeTable::parse_recoverable(origin.text);
    if !errors.is_empty() {
        return Err(Faults::new(errors.iter().map(|error| syntax_fault(origin, error)).collect()));
    }
    let defaults_text = keys::defaults_document();
    let (defaults, _) = DeTable::parse_recoverable(&defaults_text);
    let document = Document::new(origin, given.get_ref(), defaults.get_ref());
    unknown::check(&document);
    let settings = read(&document);
    let files = document.finish()?;
    // Whoever reports has recorded a fault, so with no faults there are settings.
    settings.map(|settings| (settings, files)).map_err(|_| Faults::default())
}

fn syntax_fault(origin: Origin<'_>, error: &toml::de::Error) -> Fault {
    let position = error.span().map(|span| Position::of_byte(origin.text, span.start));
    Fault {
        place: Place { position, ..Place::whole(origin.file) },
        problem: error.message().replace('\n', ", "),
        remedy: "correct the TOML here".to_owned(),
    }
}
