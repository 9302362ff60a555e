//! `bob-auth demo`: a whole BoB federation on this machine, told step by step. Everything in it is real: the servers are
//! processes of this very program, the proxy is nginx or HAProxy, and each refusal is compared with the one that must come.
//!
//! | file | what it does |
//! |---|---|
//! | `chapters` | the story, a file for each chapter |
//! | `story`, `telling` | what is told and counted; how it looks |
//! | `stage`, `ground`, `processes` | the directory, the commands run in it, and the servers |
//! | `federation` | who takes part, and with which configuration |
//! | `partner_api`, `proxy` | the API of participant 2, and what stands before it |
//! | `caller`, `load` | clients, one by one and all at once |
//! | `minting`, `liar`, `published` | tokens that nobody would issue; sets, false and true |
//! | `failure`, `enter`, `path` | what went wrong; the Enter key; where programs are |

mod caller;
mod chapters;
mod enter;
mod failure;
mod federation;
mod ground;
mod liar;
mod load;
mod minting;
mod partner_api;
mod path;
mod processes;
mod proxy;
mod published;
mod stage;
mod story;
mod telling;

use std::io::{self, ErrorKind, IsTerminal as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::task::Poll;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use self::chapters::attacks::Scene;
use self::chapters::{attacks, by_hand, clients, partner, registry, rotation, services};
use self::failure::Failure;
use self::federation::FIRST;
use self::ground::Ground;
use self::processes::Processes;
use self::proxy::Wanted;
use self::stage::Stage;
use self::story::Story;
use self::telling::Telling;
use super::error::CliError;
use super::output::{Format, say_to_stderr};
use super::session::Global;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bob-auth demo\n  bob-auth demo --pause\n  bob-auth demo --dir federation --keep\n\n\
    A registry, two participants with token services, and an API behind nginx or HAProxy, on 127.0.0.1 and free ports: no \
    network, no root, nothing to install. Clients get tokens and call the API, attacks are refused, a key is replaced under \
    load. Exit code 0 if every answer was the one that had to come, else 1.\n\n\
    With --json, `event` says what a line is: start, begin and done of a step, command, process, proxy, step, accepted, refusal, \
    load, note, try, kept, failure, interrupted, summary. Times are in `ms`."
)]
pub(super) struct Demo {
    /// Where everything goes, and stays: a new or empty directory [default: a temporary one, which is removed]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What stands before the API [default: nginx, else haproxy, else built-in]
    #[arg(long, value_name = "NAME", value_enum, default_value_t, hide_default_value = true)]
    proxy: Wanted,
    /// Go on at Enter only, step by step
    #[arg(long, conflicts_with = "json")]
    pause: bool,
    /// Leave everything running at the end, and print commands to try; Enter ends it, or a signal where there is no terminal
    #[arg(long)]
    keep: bool,
    /// Tell it to a program: one JSON object a line
    #[arg(long)]
    json: bool,
}

/// How it ended.
enum End {
    Told,
    Failed(Failure),
    Signal(Told),
    /// Nobody can read it any more.
    Unheard(ErrorKind),
}

/// A signal, and the exit code that says so.
#[derive(Debug, Clone, Copy)]
struct Told {
    name: &'static str,
    code: u8,
}

/// What ends the demo from outside.
struct Signals {
    all: Vec<(Signal, Told)>,
}

/// Called wrongly.
const MISUSE: u8 = 2;
const LOOK: Duration = Duration::from_millis(50);

impl Demo {
    pub(super) fn run(self, global: &Global) -> ExitCode {
        let telling = Telling::fitting(self.json || global.output == Format::Json);
        let (stage, mut story) = match self.prepare(telling.clone()) {
            Ok(ready) => ready,
            Err((error, code)) => {
                say_to_stderr(&error);
                return ExitCode::from(code);
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let end = match &runtime {
            Ok(runtime) => runtime.block_on(Box::pin(self.play(&mut story, &stage, &telling))),
            Err(error) => End::Failed(Failure::new(error)),
        };
        conclude(&mut story, &stage, (&end, &telling))
    }

    fn prepare(&self, telling: Telling) -> Result<(Stage, Story), (CliError, u8)> {
        if self.pause && telling.is_for_programs() {
            let error = CliError::new("--pause waits for somebody who reads, and JSON is for programs");
            return Err((error.next("leave one of the two out"), MISUSE));
        }
        if self.pause && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            let error = CliError::new("--pause waits for Enter, and this is no terminal: nobody could press it");
            return Err((error.next("leave --pause out, or run it in a terminal"), MISUSE));
        }
        let proxy = self.proxy.find().map_err(|error| (error, 1))?;
        reachable().map_err(|error| (error, 1))?;
        let code = if self.dir.is_some() { MISUSE } else { 1 };
        let ground = Ground::prepare(self.dir.as_deref()).map_err(|error| (error, code))?;
        Ok((Stage { processes: Processes::new(), ground, proxy }, Story::new(telling, self.pause)))
    }

    /// Tells the story until it ends, or somebody or something ends it.
    async fn play(&self, story: &mut Story, stage: &Stage, telling: &Telling) -> End {
        let mut signals = match Signals::listen() {
            Ok(signals) => signals,
            Err(error) => return End::Failed(Failure::new(error)),
        };
        let mut is_told = false;
        let end = tokio::select! {
            told = Box::pin(self.walk(story, stage, &mut is_told)) => match told {
                Ok(()) => End::Told,
                Err(failure) => End::Failed(stage.processes.with_log(failure, FIRST.service)),
            },
            failure = stage.processes.lost() => End::Failed(failure),
            signal = signals.first() => End::Signal(signal),
            why = unheard(telling) => End::Unheard(why),
        };
        match end {
            // It was running on because somebody wanted it to, and now no more.
            End::Signal(_) if is_told => End::Told,
            end => end,
        }
    }

    /// From the beginning to the end.
    async fn walk(&self, story: &mut Story, stage: &Stage, is_told: &mut bool) -> Result<(), Failure> {
        let place = stage.ground.directory().display().to_string();
        let about = format!("on 127.0.0.1, in {place}, with {}", stage.proxy.name());
        story.opening(
            "A BoB federation on this machine",
            &about,
            &json!({"directory": place, "pid": std::process::id()}),
        );

        story.chapter(1, registry::TITLE, registry::ABOUT).await;
        let made = registry::tell(story, stage).await?;

        story.chapter(2, services::TITLE, services::ABOUT).await;
        let services = services::tell(story, stage, &made).await?;

        story.chapter(3, partner::TITLE, partner::ABOUT).await;
        let partner = partner::tell(story, stage, &made).await?;

        story.chapter(4, clients::TITLE, clients::ABOUT).await;
        let clients = clients::tell(story, stage, &services, &partner).await?;
        let scene = Scene { stage, made: &made, services: &services, partner: &partner, clients: &clients };

        story.chapter(5, attacks::TITLE, attacks::ABOUT).await;
        attacks::tell(story, scene).await?;

        story.chapter(6, rotation::TITLE, rotation::ABOUT).await;
        rotation::tell(story, scene).await?;

        if self.keep {
            by_hand::tell(story, scene);
            *is_told = true;
            enter::pressed_where_possible().await;
        }

        Ok(())
    }
}

/// Whether this machine reaches itself.
fn reachable() -> Result<(), CliError> {
    let there = TcpListener::bind("127.0.0.1:0").and_then(|listener| TcpStream::connect(listener.local_addr()?));
    there.map(drop).map_err(|error| {
        CliError::new(format!("127.0.0.1 cannot be reached: {error}")).next("bring it up, as root: `ip link set lo up`")
    })
}

/// Waits until what is told can be written no more.
async fn unheard(telling: &Telling) -> ErrorKind {
    loop {
        if let Some(why) = telling.broken() {
            return why;
        }
        sleep(LOOK).await;
    }
}

/// Stops everything, takes it away, and says how it was.
fn conclude(story: &mut Story, stage: &Stage, (end, telling): (&End, &Telling)) -> ExitCode {
    let is_told = matches!(end, End::Told);
    match end {
        End::Told => story.last_chapter(7, "The end"),
        End::Failed(failure) => story.failed(failure),
        End::Signal(told) => story.interrupted(told.name),
        End::Unheard(ErrorKind::BrokenPipe) => {}
        End::Unheard(why) => say_to_stderr(&CliError::new(format!("standard output: {why}"))),
    }
    let began = Instant::now();
    let stopped = stage.processes.stop_all();
    if is_told {
        story.told(&format!("{stopped} servers are stopped"), began.elapsed());
    }
    let (began, cleared) = (Instant::now(), stage.ground.clear());
    let place = stage.ground.directory().display().to_string();
    match &cleared {
        Err(error) => say_to_stderr(error),
        Ok(()) if stage.ground.is_kept() && is_told => story.told(&format!("{place} stays"), began.elapsed()),
        Ok(()) if is_told => story.told(&format!("{place} is removed"), began.elapsed()),
        Ok(()) => {}
    }
    story.summary(is_told && cleared.is_ok(), &place, stage.ground.is_kept() || cleared.is_err());
    match end {
        End::Told if cleared.is_ok() && telling.broken().is_none() => ExitCode::SUCCESS,
        End::Signal(told) => ExitCode::from(told.code),
        _ => ExitCode::FAILURE,
    }
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let kinds = [
            (SignalKind::interrupt(), "SIGINT", 130),
            (SignalKind::terminate(), "SIGTERM", 143),
            (SignalKind::hangup(), "SIGHUP", 129),
            (SignalKind::quit(), "SIGQUIT", 131),
        ];
        let all = kinds.into_iter().map(|(kind, name, code)| Ok((signal(kind)?, Told { name, code })));
        Ok(Self { all: all.collect::<io::Result<_>>()? })
    }

    /// The first of them that comes.
    async fn first(&mut self) -> Told {
        std::future::poll_fn(|context| {
            for (signal, told) in &mut self.all {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*told);
                }
            }
            Poll::Pending
        })
        .await
    }
}
