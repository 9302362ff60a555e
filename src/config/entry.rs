//! How single values read: an [`Entry`] into a Rust type, or a fault that says what was expected.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::address::ListenAddress;
use super::duration;
use super::files::{FileKind, FileUse};
use super::rate::Rate;
use super::reader::{Entry, Read, Reported};
use super::size::ByteSize;
use crate::value::{Lifetime, Pid};

const DURATION: &str = "write a number with ms, s, m, h or d, for example \"15m\"";
const SIZE: &str = "write a number of bytes, or a text with B, KiB, MiB or GiB, for example \"16KiB\"";
const RATE: &str = "write a number per s, m or h, for example \"20/s\"";
const ADDRESS: &str = "write an address and a port, for example \"127.0.0.1:8443\" or \"[::1]:8443\"";
/// Longer texts in a message would hide what it says.
const SHOWN: usize = 60;

impl<'a> Entry<'a> {
    /// A text that is not empty.
    pub(super) fn text(&self) -> Read<&'a str> {
        self.text_as("a text", "write it in quotes")
    }

    fn text_as(&self, wanted: &str, remedy: &str) -> Read<&'a str> {
        match self.value {
            DeValue::String(text) if text.is_empty() => Err(self.fault("is empty", remedy)),
            DeValue::String(text) => Ok(text),
            _ => Err(self.expected(wanted, remedy)),
        }
    }

    /// The value is not of the kind that is wanted.
    fn expected(&self, wanted: &str, remedy: &str) -> Reported {
        self.fault(format!("expected {wanted}, found {}", self.shown()), remedy)
    }

    /// The value as a message shows it.
    fn shown(&self) -> String {
        match self.value {
            DeValue::String(text) if text.chars().count() <= SHOWN => format!("{:?}", text.as_ref()),
            DeValue::String(text) => format!("{:?}...", text.chars().take(SHOWN).collect::<String>()),
            DeValue::Integer(number) => format!("the number {number}"),
            DeValue::Float(number) => format!("the number {}", number.as_str()),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Read<bool> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false", "write true or false without quotes"))
    }

    /// A whole number inside a range.
    pub(super) fn integer(&self, range: RangeInclusive<u64>) -> Read<u64> {
        let remedy = format!("write a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = self.value else {
            return Err(self.expected("a whole number", &remedy));
        };
        let number = u64::from_str_radix(number.as_str(), number.radix()).ok();
        number
            .filter(|n| range.contains(n))
            .ok_or_else(|| self.fault(format!("{} is out of range", self.shown()), remedy))
    }

    /// A participant id.
    pub(super) fn participant_id(&self) -> Read<Pid> {
        let number = self.integer(1..=i64::MAX.unsigned_abs())?;
        let pid = i64::try_from(number).ok().and_then(|number| Pid::new(number).ok());
        pid.ok_or_else(|| self.fault("is no participant id", "write a positive whole number"))
    }

    /// A duration inside a range.
    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Read<Duration> {
        let text = self.text_as("a duration", DURATION)?;
        let found = duration::parse(text).map_err(|error| self.fault(format!("{} {error}", self.shown()), DURATION))?;
        if range.contains(&found) {
            return Ok(found);
        }
        let (least, most) = (duration::print(*range.start()), duration::print(*range.end()));
        Err(self.fault(format!("{} is out of range", self.shown()), format!("write a duration from {least} to {most}")))
    }

    /// A duration of whole seconds, not zero.
    pub(super) fn lifetime(&self, most: Duration) -> Read<Lifetime> {
        let found = self.whole_seconds(Duration::from_secs(1)..=most)?;
        let seconds = u32::try_from(found.as_secs()).ok().and_then(Lifetime::from_seconds);
        seconds.ok_or_else(|| self.fault(format!("{} is out of range", self.shown()), DURATION))
    }

    /// A duration of whole seconds inside a range.
    pub(super) fn whole_seconds(&self, range: RangeInclusive<Duration>) -> Read<Duration> {
        let found = self.duration(range)?;
        if found.subsec_nanos() == 0 {
            return Ok(found);
        }
        Err(self
            .fault(format!("{} is no whole number of seconds", self.shown()), "tokens count in seconds: use s, m or h"))
    }

    /// A size inside a range.
    pub(super) fn size(&self, range: RangeInclusive<ByteSize>) -> Read<ByteSize> {
        let found = if let DeValue::Integer(_) = self.value {
            ByteSize::from_bytes(self.integer(0..=u64::MAX)?)
        } else {
            let text = self.text_as("a size", SIZE)?;
            text.parse().map_err(|error| self.fault(format!("{} {error}", self.shown()), SIZE))?
        };
        if range.contains(&found) {
            return Ok(found);
        }
        let remedy = format!("write a size from {} to {}", range.start(), range.end());
        Err(self.fault(format!("{} is out of range", self.shown()), remedy))
    }

    /// A rate.
    pub(super) fn rate(&self) -> Read<Rate> {
        let text = self.text_as("a rate", RATE)?;
        text.parse().map_err(|error| self.fault(format!("{} {error}", self.shown()), RATE))
    }

    /// `None` for the word "off".
    pub(super) fn unless_off<T>(&self, read: impl FnOnce(&Self) -> Read<T>) -> Read<Option<T>> {
        if self.value.as_str() == Some("off") { Ok(None) } else { read(self).map(Some) }
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Read<T> {
        let chosen = self.value.as_str().and_then(|text| choices.iter().find(|(word, _)| *word == text));
        let words = || choices.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(" or ");
        chosen.map(|(_, value)| *value).ok_or_else(|| {
            let remedy = format!("write {}", words());
            self.expected("one of a few words", &remedy)
        })
    }

    /// One value or a list of them; never an empty list.
    pub(super) fn one_or_more<T>(&self, read: impl Fn(&Self) -> Read<T>) -> Read<Vec<T>> {
        match self.value {
            DeValue::Array(list) if list.is_empty() => Err(self.fault("is an empty list", "write one value at least")),
            DeValue::Array(_) => self.list(read),
            _ => read(self).map(|one| vec![one]),
        }
    }

    /// A list, which may be empty. All its items are read, however many are wrong.
    pub(super) fn list<T>(&self, read: impl Fn(&Self) -> Read<T>) -> Read<Vec<T>> {
        let DeValue::Array(list) = self.value else {
            return Err(self.expected("a list", "write it in [ ]"));
        };
        let items: Vec<Read<T>> = list.iter().map(|item| read(&self.inner(None, item))).collect();
        items.into_iter().collect()
    }

    /// A path of a file; relative ones start at the directory of the configuration file.
    pub(super) fn path(&self, kind: FileKind) -> Read<PathBuf> {
        let path = self.document.resolve(self.text_as("a path", "write a path in quotes")?);
        self.document.uses(FileUse { place: self.place.clone(), path: path.clone(), kind });
        Ok(path)
    }

    /// An address with a port.
    pub(super) fn socket_address(&self) -> Read<SocketAddr> {
        let text = self.text_as("an address", ADDRESS)?;
        text.parse().map_err(|_| self.fault(format!("{} is no address with a port", self.shown()), ADDRESS))
    }

    /// An address with a port, or a Unix socket.
    pub(super) fn listen_address(&self) -> Read<ListenAddress> {
        match self.value.as_str().and_then(|text| text.strip_prefix("unix:")) {
            Some("") => Err(self.fault("names no path", "write for example \"unix:/run/bob-auth.sock\"")),
            Some(path) => Ok(ListenAddress::Unix(self.document.resolve(path))),
            None => self.socket_address().map(ListenAddress::Tcp),
        }
    }

    /// The name of a header, in lower case.
    pub(super) fn header_name(&self) -> Read<String> {
        let text = self.text()?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if text.bytes().all(allowed) {
            return Ok(text.to_ascii_lowercase());
        }
        Err(self.fault(format!("{} is no name of a header", self.shown()), "use letters, digits and hyphens only"))
    }
}
