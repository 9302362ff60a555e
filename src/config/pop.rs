//! Reads what participant and registry agreed upon for proof of possession, in whichever table it stands.

use std::time::Duration;

use super::reader::{Entry, Read, Section};
use crate::protocol::pop::{Part, PopProfile};

/// Beyond that, a proof would be good for a coffee break.
const MAX_WINDOW: Duration = Duration::from_mins(15);

/// The keys `pop_*` of this table.
pub(super) fn read_profile(section: &Section<'_>) -> Read<PopProfile> {
    let scheme = section.read("pop_scheme", |entry| entry.unless_off(read_scheme));
    let request_header = section.read("pop_request_header", Entry::header_name);
    let answer_header = section.read("pop_answer_header", Entry::header_name);
    let window = section.read("pop_window", |entry| entry.whole_seconds(Duration::from_secs(1)..=MAX_WINDOW));
    let required = section.read("pop_required", |entry| entry.list(read_part));
    let headers = section.read("pop_headers", |entry| entry.list(Entry::header_name));
    let mut required = required?;
    // The time is never left out: without it a proof would count for ever.
    required.insert(0, Part::Time);
    Ok(PopProfile {
        scheme: scheme?.unwrap_or_default(),
        request_header: request_header?,
        answer_header: answer_header?,
        window: u32::try_from(window?.as_secs()).unwrap_or(u32::MAX),
        required,
        headers: headers?,
    })
}

fn read_scheme(entry: &Entry<'_>) -> Read<String> {
    let text = entry.text()?;
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(text.to_owned());
    }
    Err(entry.fault(format!("{text:?} is no scheme"), "use letters, digits and hyphens only, or \"off\""))
}

fn read_part(entry: &Entry<'_>) -> Read<Part> {
    entry.choice(&[
        ("method", Part::Method),
        ("host", Part::Host),
        ("path", Part::Path),
        ("query", Part::Query),
        ("headers", Part::Headers),
        ("body", Part::Body),
    ])
}
