//! [`Publisher`], and how a change whose answer was lost comes to its end.

use std::future::Future;

use super::error::PublishError;
use crate::registry_client::{Believed, ClientError, RegistryClient, Tagged};
use crate::value::Pid;

/// Publishes in the name of one participant.
#[derive(Debug, Clone)]
pub struct Publisher {
    pub(super) client: RegistryClient,
}

/// Something is at the registry as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// By this call.
    Now,
    /// It was there before, unchanged.
    AlreadyThere,
}

/// Something is not at the registry any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// By this call.
    Now,
    /// It was not there before.
    AlreadyGone,
}

/// What is at the registry in the place of something that is to be there.
pub(super) enum Standing<T> {
    Absent,
    Same,
    Other(Tagged<T>),
}

impl Publisher {
    /// With this client.
    pub const fn new(client: RegistryClient) -> Self {
        Self { client }
    }

    /// In whose name.
    pub const fn pid(&self) -> Pid {
        self.client.pid()
    }

    /// The client, for reading.
    pub const fn client(&self) -> &RegistryClient {
        &self.client
    }
}

/// Compares what was read with what should be there.
pub(super) fn standing<T: PartialEq>(
    read: Result<Tagged<T>, ClientError>,
    wanted: &T,
) -> Result<Standing<T>, ClientError> {
    match read {
        Ok(found) if found.value == *wanted => Ok(Standing::Same),
        Ok(found) => Ok(Standing::Other(found)),
        Err(ClientError::NotFound) => Ok(Standing::Absent),
        Err(error) => Err(error),
    }
}

/// Makes a change; if it is not certain what came of it, `again` says what is there. A second try of our own may also have
/// met the version that the first one made.
pub(super) async fn settle<T: PartialEq>(
    change: impl Future<Output = Result<Believed, ClientError>>,
    again: impl Future<Output = Result<Tagged<T>, ClientError>>,
    wanted: &T,
) -> Result<Published, PublishError> {
    let Err(error) = change.await else { return Ok(Published::Now) };
    if !error.leaves_doubt() && !matches!(error, ClientError::ChangedMeanwhile) {
        return Err(error.into());
    }
    match again.await {
        Ok(found) if found.value == *wanted => Ok(Published::Now),
        _ => Err(error.into()),
    }
}

/// What is not there any more has been taken away, by whomever.
pub(super) fn gone(deleted: Result<Believed, ClientError>) -> Result<Withdrawn, PublishError> {
    match deleted {
        Ok(_) => Ok(Withdrawn::Now),
        Err(ClientError::NotFound) => Ok(Withdrawn::AlreadyGone),
        Err(error) => Err(error.into()),
    }
}
