//! [`Store`], the handle: making, opening, upgrading and copying the file. The nouns add their methods elsewhere.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::value::Timestamp;

use super::audit_row::{self, AuditResult, AuditRow};
use super::error::{Result, StoreError};
use super::revision;
use super::rows::Tx;

/// `bobA`: what SQLite writes into the head of the file to say whose it is.
const APPLICATION_ID: i64 = 0x626f_6241;

/// The schema's history; the version of a store is the number of these that it has been through.
const MIGRATIONS: [&str; 3] = [
    include_str!("../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../migrations/sqlite/0002_key_life.sql"),
    include_str!("../../migrations/sqlite/0003_register.sql"),
];

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The store, open. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    mode: Mode,
    reader: SqlitePool,
    writer: SqlitePool,
}

/// What the opener needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To change things: a store that cannot be written is refused.
    ReadWrite,
    /// To issue from it: a store that cannot be written is opened all the same, see [`Store::is_read_only`].
    Service,
    /// To look only: nothing is changed, not even an older schema.
    Look,
}

/// How the file came to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    ReadWrite,
    ReadOnly,
    /// Read-only in a place where SQLite's helper files cannot be made: changes by others are not seen.
    Immutable,
}

/// Who makes an administrative change, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Who, as it will stand in the audit trail, for example `cli:root`.
    pub actor: String,
}

impl Change {
    /// The audit row of this change.
    pub(super) fn row(&self, action: &'static str) -> AuditRow {
        AuditRow::new(self.at, self.actor.clone(), action, AuditResult::Done)
    }
}

impl Store {
    /// Makes a new store in a file of its own, readable by its owner only, and opens it. An existing file is refused.
    pub async fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        new_private_file(path)?;
        let made = async {
            let mut connection = options(path, Mode::ReadWrite).journal_mode(SqliteJournalMode::Wal).connect().await?;
            sqlx::raw_sql("PRAGMA application_id = 0x626f6241").execute(&mut connection).await?;
            migrate(&mut connection, 0).await?;
            connection.close().await?;
            Ok(Self::with_pools(path, Mode::ReadWrite))
        }
        .await;
        if made.is_err() {
            // Nobody else can have put anything into it: it was made a moment ago by this call.
            let _ = fs::remove_file(path);
        }
        made
    }

    /// Opens a store, and upgrades it if its schema is older and `access` is more than [`Access::Look`].
    pub async fn open(path: impl AsRef<Path>, access: Access) -> Result<Self> {
        let path = path.as_ref();
        match fs::metadata(path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(StoreError::NotAStore(path.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(StoreError::Missing(path.into())),
            Err(source) => return Err(StoreError::Io { path: path.into(), source }),
        }
        if access != Access::Look {
            match (Self::open_as(path, Mode::ReadWrite).await, access) {
                (Err(StoreError::ReadOnly | StoreError::Forbidden | StoreError::Full), Access::Service) => {}
                (result, _) => return result,
            }
        }
        match Self::open_as(path, Mode::ReadOnly).await {
            Err(StoreError::ReadOnly | StoreError::Forbidden | StoreError::Full) => {}
            result => return result,
        }
        let log = with_suffix(path, "-wal");
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(StoreError::UnreadableLog(log));
        }
        Self::open_as(path, Mode::Immutable).await
    }

    pub(super) async fn open_as(path: &Path, mode: Mode) -> Result<Self> {
        let mut connection = options(path, mode).connect().await.map_err(|error| not_a_store(error, path))?;
        let application = pragma(&mut connection, "PRAGMA application_id").await;
        if application.map_err(|error| not_a_store(error, path))? != APPLICATION_ID {
            return Err(StoreError::NotAStore(path.into()));
        }
        let known = known();
        let found = pragma(&mut connection, "PRAGMA user_version").await?;
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
        if mode == Mode::ReadWrite {
            // SQLite opens a write-protected file read-only without a word; only asking for the lock tells.
            match sqlx::raw_sql("BEGIN IMMEDIATE; ROLLBACK").execute(&mut connection).await.map_err(StoreError::from) {
                Ok(_) | Err(StoreError::Busy) => {}
                Err(error) => return Err(error),
            }
            migrate(&mut connection, found).await?;
        } else if found < known {
            return Err(StoreError::OlderSchema { found, known });
        } else {
            sqlx::query("SELECT value FROM revision").fetch_one(&mut connection).await?;
        }
        connection.close().await?;
        Ok(Self::with_pools(path, mode))
    }

    /// Small pools: each connection is a thread and a cache. Both connect when they are first used.
    fn with_pools(path: &Path, mode: Mode) -> Self {
        let pool = |mode| {
            SqlitePoolOptions::new()
                .max_connections(1)
                .acquire_timeout(PATIENCE * 2)
                .test_before_acquire(false)
                .max_lifetime(None)
                .idle_timeout(Duration::from_secs(30))
                .connect_lazy_with(options(path, mode))
        };
        let reader = pool(if mode == Mode::Immutable { mode } else { Mode::ReadOnly });
        Self(Arc::new(Inner { path: path.into(), mode, reader, writer: pool(mode) }))
    }

    /// Whether changes are impossible: the file or its directory may not be written.
    pub fn is_read_only(&self) -> bool {
        self.0.mode != Mode::ReadWrite
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Closes the connections, which also writes the log back into the file.
    pub async fn close(&self) {
        self.0.reader.close().await;
        self.0.writer.close().await;
    }

    /// Writes a consistent copy into a new file, readable by its owner only, while the store stays in use.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref();
        let text = to.to_str().ok_or(StoreError::Invalid { field: "path", rule: "UTF-8" })?;
        new_private_file(to)?;
        let mut connection = self.0.reader.acquire().await?;
        let copied = sqlx::query("VACUUM INTO ?").bind(text).execute(&mut *connection).await;
        if let Err(error) = copied {
            let _ = fs::remove_file(to);
            return Err(error.into());
        }
        Ok(())
    }

    /// A transaction that may write, begun as one, so that it never fails half-way for want of the lock.
    pub(super) async fn begin(&self) -> Result<Tx> {
        if self.is_read_only() {
            return Err(StoreError::ReadOnly);
        }
        Ok(self.0.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// The revision now; a cheap read, made for polling.
    pub async fn revision(&self) -> Result<i64> {
        Ok(sqlx::query_scalar(revision::READ).fetch_one(&self.0.reader).await?)
    }

    /// A transaction that reads one state of the store.
    pub(super) async fn read(&self) -> Result<Tx> {
        Ok(self.0.reader.begin().await?)
    }

    /// The same on a connection of its own, which ends with the pool: for whoever reads much, so that nobody waits for it.
    pub(super) async fn read_aside(&self) -> Result<(SqlitePool, Tx)> {
        let mode = if self.0.mode == Mode::Immutable { Mode::Immutable } else { Mode::ReadOnly };
        let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options(&self.0.path, mode));
        let tx = pool.begin().await?;
        Ok((pool, tx))
    }

    /// Ends an administrative transaction: its audit row, the step of the revision, and the disk.
    pub(super) async fn commit(&self, mut tx: Tx, row: AuditRow) -> Result<()> {
        audit_row::append(&mut tx, &row).await?;
        revision::step(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A connection of its own for the audit writer. It does not wait for the disk at each commit: a power cut may
    /// cost its last rows, never the store.
    pub(super) async fn connect_audit(&self) -> Result<SqliteConnection> {
        let options = options(&self.0.path, Mode::ReadWrite).synchronous(SqliteSynchronous::Normal);
        Ok(options.connect().await?)
    }
}

fn options(path: &Path, mode: Mode) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .synchronous(SqliteSynchronous::Full)
        .read_only(mode != Mode::ReadWrite)
        .immutable(mode == Mode::Immutable)
        .statement_cache_capacity(16)
        .row_buffer_size(4)
        // KiB, as it is negative.
        .pragma("cache_size", "-512")
        .pragma("journal_size_limit", "4194304")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

/// Brings the store from the schema `found` to the newest one; each step is one transaction.
async fn migrate(connection: &mut SqliteConnection, found: i64) -> Result<()> {
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version <= found {
            continue;
        }
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        // Another process may have done it while this one waited for the lock.
        let now: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await?;
        if now < version {
            sqlx::raw_sql(migration).execute(&mut *tx).await?;
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {version}"))).execute(&mut *tx).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn pragma(connection: &mut SqliteConnection, query: &'static str) -> std::result::Result<i64, sqlx::Error> {
    sqlx::query_scalar(query).fetch_one(connection).await
}

fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// A file that SQLite cannot read is a store that was damaged if its head says so, else something else.
fn not_a_store(error: sqlx::Error, path: &Path) -> StoreError {
    match StoreError::from(error) {
        StoreError::Corrupt(_) if !has_head_of_a_store(path) => StoreError::NotAStore(path.into()),
        other => other,
    }
}

/// Whether SQLite's magic and our application id stand where they belong (<https://www.sqlite.org/fileformat2.html>).
fn has_head_of_a_store(path: &Path) -> bool {
    let mut head = [0; 72];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    let id = i64::from(u32::from_be_bytes([head[68], head[69], head[70], head[71]]));
    read.is_ok() && head.starts_with(b"SQLite format 3\0") && id == APPLICATION_ID
}

fn new_private_file(path: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(StoreError::Exists(path.into())),
        Err(source) => Err(StoreError::Io { path: path.into(), source }),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
