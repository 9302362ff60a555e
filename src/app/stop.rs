//! The end: not ready any more, a while for balancers to notice, then the listeners close and requests under way finish,
//! within a bound. No request is cut short of that.

use std::convert::Infallible;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::error::AppError;
use super::listeners::Started;
use super::supervisor::{Stage, tell};
use crate::config::ShutdownSettings;

/// Hears SIGTERM and SIGINT. Made before anything is opened: whoever is told to stop while it starts stops in order as well.
pub(super) struct Told {
    terminate: Signal,
    interrupt: Signal,
}

impl Told {
    /// From now on.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
}

/// Serves until SIGTERM or SIGINT, or until a listener fails; then stops in order: the internal listener last, so that
/// it can be asked what goes on.
///
/// `drain` is called when the end begins, `work` is what goes on until then.
pub(super) async fn run_until_told(
    Told { mut terminate, mut interrupt }: Told,
    settings: &ShutdownSettings,
    drain: impl FnOnce(),
    work: impl Future<Output = Result<Infallible, io::Error>>,
    (public, internal): (Vec<Started>, Option<Started>),
) -> Result<(), AppError> {
    let handles: Vec<_> = public.iter().chain(&internal).map(|started| started.handle.clone()).collect();
    let mut failure = run_all(public.into_iter().chain(internal));
    tell(Stage::Ready);
    let ended = tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
        Some(error) = failure.recv() => Err(error),
        outcome = work => match outcome {
            Ok(never) => match never {},
            Err(error) => Err(error),
        },
    };
    drain();
    tell(Stage::Stopping);
    tracing::info!(by = ended.as_ref().ok(), delay = ?settings.delay, drain = ?settings.drain, "stopping");
    if ended.is_ok() {
        tokio::time::sleep(settings.delay).await;
    }
    for handle in &handles {
        handle.stop(true).await;
    }
    ended.map(drop).map_err(AppError::System)
}

/// Runs every server in the background; what one fails with arrives at the receiver.
fn run_all(servers: impl Iterator<Item = Started>) -> mpsc::Receiver<io::Error> {
    let (failed, failure) = mpsc::channel(1);
    for Started { server, .. } in servers {
        let failed = failed.clone();
        actix_web::rt::spawn(async move {
            if let Err(error) = server.await {
                // The receiver is gone only when the end has begun already.
                let _ = failed.send(error).await;
            }
        });
    }
    failure
}
