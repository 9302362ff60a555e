//! [`AuditSink`] and [`AuditWriter`]: the audit rows of requests on their way to the store.
//!
//! A request leaves its row in a bounded queue and goes on. The writer takes what has gathered and writes it in one
//! transaction. While the store cannot be written the rows wait in the queue; what finds it full is counted as lost.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time;

use super::audit_row::{self, AuditRow, Recurring};
use super::error::{Result, StoreError};
use super::schema::Store;

/// Sizes and times of the audit writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many rows may wait; about 400 bytes each.
    pub queue: usize,
    /// How many waiting rows are written without further delay; also the most in one transaction.
    pub batch: usize,
    /// How long a row waits for others to be written with it.
    pub delay: Duration,
    /// After how long without rows the store is tried, and how long after a failure it is tried again.
    pub probe: Duration,
}

/// Where requests leave their rows. Clones share one queue.
#[derive(Debug, Clone)]
pub struct AuditSink(Arc<Shared>);

/// The task behind the sinks.
#[derive(Debug)]
pub struct AuditWriter {
    sink: AuditSink,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    pace: Pace,
    queue: Mutex<VecDeque<AuditRow>>,
    /// Rows that left the queue and are not written yet.
    in_flight: AtomicUsize,
    lost: AtomicU64,
    written: AtomicU64,
    writable: AtomicBool,
    closing: AtomicBool,
    wake: Notify,
}

impl Default for Pace {
    fn default() -> Self {
        Self { queue: 20_000, batch: 1_000, delay: Duration::from_millis(30), probe: Duration::from_secs(5) }
    }
}

impl AuditSink {
    /// Leaves a row to be written soon. Never waits; a row that finds the queue full is counted by [`AuditSink::lost`].
    pub fn record(&self, row: AuditRow) {
        let shared = &self.0;
        let waiting = {
            let mut queue = shared.queue();
            if shared.closing.load(Relaxed) || queue.len() + shared.in_flight.load(Relaxed) >= shared.pace.queue {
                drop(queue);
                shared.lost.fetch_add(1, Relaxed);
                return;
            }
            queue.push_back(row);
            queue.len()
        };
        if waiting == 1 || waiting == shared.pace.batch {
            shared.wake.notify_one();
        }
    }

    /// How many rows were lost since the start.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Relaxed)
    }

    /// How many rows were written since the start.
    pub fn written(&self) -> u64 {
        self.0.written.load(Relaxed)
    }

    /// How many rows wait.
    pub fn waiting(&self) -> usize {
        self.0.queue().len() + self.0.in_flight.load(Relaxed)
    }

    /// Whether the last attempt to write the store succeeded; such attempts are made with each batch, and every few
    /// seconds without one.
    pub fn store_writable(&self) -> bool {
        self.0.writable.load(Relaxed)
    }
}

impl AuditWriter {
    /// Starts the writer on the current tokio runtime.
    pub fn spawn(store: Store, pace: Pace) -> Self {
        let shared = Arc::new(Shared {
            pace,
            queue: Mutex::new(VecDeque::new()),
            in_flight: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            written: AtomicU64::new(0),
            writable: AtomicBool::new(!store.is_read_only()),
            closing: AtomicBool::new(false),
            wake: Notify::new(),
        });
        let task = Task {
            shared: Arc::clone(&shared),
            store,
            connection: None,
            rows: VecDeque::new(),
            recurring: Recurring::default(),
        };
        Self { sink: AuditSink(shared), task: tokio::spawn(task.run()) }
    }

    /// A sink of this writer.
    pub fn sink(&self) -> AuditSink {
        self.sink.clone()
    }

    /// Takes no more rows, writes those that wait, and gives up after `bound`. Says how many rows were lost since the
    /// start, those given up included.
    pub async fn close(mut self, bound: Duration) -> u64 {
        let shared = &self.sink.0;
        shared.closing.store(true, Relaxed);
        shared.wake.notify_one();
        if time::timeout(bound, &mut self.task).await.is_err() {
            self.task.abort();
            // A row that is on its way to the disk at this moment may be counted both as written and as lost.
            shared.lost.fetch_add(self.sink.waiting() as u64, Relaxed);
        }
        self.sink.lost()
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, VecDeque<AuditRow>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Relaxed)
    }
}

struct Task {
    shared: Arc<Shared>,
    store: Store,
    connection: Option<SqliteConnection>,
    /// Taken from the queue and not written yet.
    rows: VecDeque<AuditRow>,
    recurring: Recurring,
}

impl Task {
    async fn run(mut self) {
        let Pace { batch, delay, probe, .. } = self.shared.pace;
        self.probe().await;
        loop {
            if self.shared.queue().is_empty() {
                if self.shared.is_closing() {
                    break;
                }
                if time::timeout(probe, self.shared.wake.notified()).await.is_err() {
                    self.probe().await;
                    continue;
                }
            }
            if self.shared.queue().len() < batch && !self.shared.is_closing() {
                let _ = time::timeout(delay, self.shared.wake.notified()).await;
            }
            self.take();
            while !self.rows.is_empty() {
                let result = self.write().await;
                if self.learn(&result) {
                    continue;
                }
                let patience = if self.shared.is_closing() { delay } else { probe };
                let _ = time::timeout(patience, self.shared.wake.notified()).await;
            }
        }
        if let Some(connection) = self.connection.take() {
            let _ = connection.close().await;
        }
    }

    fn take(&mut self) {
        let mut queue = self.shared.queue();
        self.rows = std::mem::take(&mut *queue);
        self.shared.in_flight.store(self.rows.len(), Relaxed);
    }

    /// Writes the first rows in one transaction and forgets them.
    async fn write(&mut self) -> Result<()> {
        let count = self.rows.len().min(self.shared.pace.batch.max(1));
        let rows = self.rows.make_contiguous();
        let connection = connect(&mut self.connection, &self.store).await?;
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        let (groups, rest) = rows[..count].as_chunks::<GROUP>();
        for group in groups {
            let query = group.iter().fold(sqlx::query(GROUP_INSERT.as_str()), |query, row| {
                audit_row::bind(query, row, &mut self.recurring)
            });
            query.execute(&mut *tx).await?;
        }
        for row in rest {
            audit_row::bind(sqlx::query(audit_row::INSERT), row, &mut self.recurring).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        self.rows.drain(..count);
        self.shared.in_flight.store(self.rows.len(), Relaxed);
        self.shared.written.fetch_add(count as u64, Relaxed);
        Ok(())
    }

    /// Tries whether the store can be written.
    async fn probe(&mut self) {
        let result = async {
            let connection = connect(&mut self.connection, &self.store).await?;
            sqlx::query("UPDATE heartbeat SET beat = beat + 1").execute(connection).await?;
            Ok(())
        };
        let result = result.await;
        self.learn(&result);
    }

    /// Remembers how an attempt went; a connection that failed for its own reasons is made anew next time.
    fn learn(&mut self, result: &Result<()>) -> bool {
        let writable = result.is_ok();
        if self.shared.writable.swap(writable, Relaxed) != writable {
            match result {
                Ok(()) => tracing::info!("the store can be written again"),
                Err(error) => tracing::error!(%error, "the store cannot be written; audit rows wait in memory"),
            }
        }
        if !matches!(result, Ok(()) | Err(StoreError::Busy | StoreError::Full)) {
            self.connection = None;
        }
        writable
    }
}

async fn connect<'a>(slot: &'a mut Option<SqliteConnection>, store: &Store) -> Result<&'a mut SqliteConnection> {
    if slot.is_none() {
        *slot = Some(store.connect_audit().await?);
    }
    slot.as_mut().ok_or(StoreError::Busy)
}

/// How many rows one statement writes when there are that many; measured: half or twice as many cost more per row.
const GROUP: usize = 32;

static GROUP_INSERT: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::from(audit_row::INSERT);
    let one = text.find("(?").map_or_else(String::new, |at| text[at..].to_owned());
    for _ in 1..GROUP {
        let _ = write!(text, ", {one}");
    }
    text
});
