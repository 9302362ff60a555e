//! The log: pretty on a terminal, JSON lines otherwise, written by a thread of its own so that a slow reader of the log
//! holds up no request. What the lines say is decided where they are written.

use std::io::{self, BufWriter, IsTerminal};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Registry, fmt};

use crate::config::{LogFormat, LogSettings};

/// The running log. Lines that are still under way are written when it is dropped.
pub struct Telemetry {
    level: LevelHandle,
    _writer: WorkerGuard,
}

/// Changes the level of the running log.
#[derive(Clone)]
pub struct LevelHandle(Handle<Targets, Registry>);

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.level` is no filter.
    #[error("log.level: {0}")]
    Level(#[from] ParseError),
    /// There is a log already.
    #[error("the log is set up already: {0}")]
    Twice(#[from] TryInitError),
    /// The running log did not take the new level.
    #[error("the log did not take the new level: {0}")]
    Reload(#[from] reload::Error),
}

/// How many lines may wait for a slow reader; more are dropped, which the audit trail does not depend on.
const WAITING_LINES: usize = 8_192;

impl Telemetry {
    /// Starts the log on standard error.
    pub fn start(settings: &LogSettings) -> Result<Self, TelemetryError> {
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(WAITING_LINES)
            .thread_name("log")
            .finish(BufWriter::new(io::stderr()));
        let (filter, handle) = reload::Layer::new(filter(&settings.level)?);
        let terminal = io::stderr().is_terminal();
        let pretty = match settings.format {
            LogFormat::Auto => terminal,
            LogFormat::Pretty => true,
            LogFormat::Json => false,
        };
        let registry = tracing_subscriber::registry().with(filter);
        if pretty {
            registry.with(fmt::layer().with_writer(writer).with_ansi(terminal)).try_init()?;
        } else {
            let json = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
            registry.with(json.with_writer(writer)).try_init()?;
        }
        Ok(Self { level: LevelHandle(handle), _writer: guard })
    }

    /// What changes the level later on.
    pub fn level(&self) -> LevelHandle {
        self.level.clone()
    }
}

impl LevelHandle {
    /// To this one.
    pub fn set(&self, level: &str) -> Result<(), TelemetryError> {
        Ok(self.0.reload(filter(level)?)?)
    }
}

/// The filter that `log.level` asks for. What the web framework says of its own start is of interest only to those who
/// name it.
fn filter(level: &str) -> Result<Targets, ParseError> {
    let quiet = if level.contains("actix") { "" } else { ",actix_server=warn" };
    format!("{level}{quiet}").parse()
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Telemetry")
    }
}

impl std::fmt::Debug for LevelHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LevelHandle")
    }
}
