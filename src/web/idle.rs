//! [`Idle`]: connections that bring no request are closed. The HTTP library bounds the first head of a connection and the
//! time between two requests; it bounds neither a later head that comes byte by byte nor an HTTP/2 connection whose only
//! traffic is its pings. Both are a connection on which no request has arrived for too long.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use crate::config::Limits;

/// The connections of one listener and when each last brought a request.
#[derive(Debug)]
pub(super) struct Idle {
    began: Instant,
    /// How long a connection may stay without a request, the time for the next one's head included.
    bound: Duration,
    connections: Mutex<Vec<Weak<Watched>>>,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Watched {
    began: Instant,
    /// Milliseconds after `began`.
    last_request: AtomicU64,
    /// A second handle of the socket, to close it from outside.
    socket: TcpStream,
}

/// How often connections are looked at.
const LOOK: Duration = Duration::from_millis(500);

impl Idle {
    /// Watches from now on, until the listener lets go of the value. `None` if one of the two limits is off: then a
    /// connection may stay.
    pub(super) fn watch(limits: &Limits) -> Option<Arc<Self>> {
        let bound = limits.idle_time? + limits.header_time?;
        let idle = Arc::new(Self { began: Instant::now(), bound, connections: Mutex::default() });
        let watched = Arc::downgrade(&idle);
        actix_web::rt::spawn(async move {
            let mut ticks = interval(LOOK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(idle) = watched.upgrade() else { return };
                idle.close_overdue();
            }
        });
        Some(idle)
    }

    /// A connection has come: keep the answer as long as the connection lives.
    pub(super) fn connected(&self, socket: impl AsFd) -> io::Result<Arc<Watched>> {
        let socket = TcpStream::from(socket.as_fd().try_clone_to_owned()?);
        let watched = Watched { began: self.began, last_request: AtomicU64::default(), socket };
        watched.request_arrived();
        let watched = Arc::new(watched);
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&watched));
        Ok(watched)
    }

    fn close_overdue(&self) {
        let now = since(self.began);
        let bound = u64::try_from(self.bound.as_millis()).unwrap_or(u64::MAX);
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            if now.saturating_sub(connection.last_request.load(Ordering::Relaxed)) <= bound {
                return true;
            }
            // An error means that it is closed already.
            let _ = connection.socket.shutdown(Shutdown::Both);
            false
        });
    }
}

impl Watched {
    /// The whole head of a request has arrived.
    pub(super) fn request_arrived(&self) {
        self.last_request.store(since(self.began), Ordering::Relaxed);
    }
}

fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
