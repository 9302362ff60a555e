//! What a participant publishes besides keys: domain name, endpoints, signature constraints, info.

use serde_json::Value;

use super::error::PublishError;
use super::publisher::{Published, Publisher, Standing, Withdrawn, gone, settle, standing};
use crate::protocol::metadata::free_object::FreeObject;
use crate::protocol::metadata::{Endpoint, EndpointCall, SignatureConstraint};
use crate::registry_client::{ClientError, Tagged};
use crate::value::Pid;

type Result<T> = std::result::Result<T, PublishError>;

impl Publisher {
    /// Sets the domain name. Capital letters make no other name of it: a registry may keep small ones.
    pub async fn set_domain_name(&self, name: &str) -> Result<Published> {
        let wanted = name.to_ascii_lowercase();
        let found = async || {
            let found = self.client.domain_name().await?;
            Ok(Tagged { value: found.value.to_ascii_lowercase(), etag: found.etag })
        };
        let etag = match standing(found().await, &wanted)? {
            Standing::Same => return Ok(Published::AlreadyThere),
            Standing::Absent => None,
            Standing::Other(found) => found.etag,
        };
        settle(self.client.put_domain_name(name, etag.as_deref()), found(), &wanted).await
    }

    /// Takes the domain name away.
    pub async fn remove_domain_name(&self) -> Result<Withdrawn> {
        gone(self.client.delete_domain_name(None).await)
    }

    /// Sets the info, all of it. The order of members means nothing: a registry may keep another one.
    pub async fn set_info(&self, info: &FreeObject) -> Result<Published> {
        let wanted = meaning(info)?;
        let found = async || {
            let found = self.client.info().await?;
            Ok(Tagged { value: meaning(&found.value)?, etag: found.etag })
        };
        let etag = match standing(found().await, &wanted)? {
            Standing::Same => return Ok(Published::AlreadyThere),
            Standing::Absent => None,
            Standing::Other(found) => found.etag,
        };
        settle(self.client.put_info(info, etag.as_deref()), found(), &wanted).await
    }

    /// Takes the info away.
    pub async fn remove_info(&self) -> Result<Withdrawn> {
        gone(self.client.delete_info(None).await)
    }

    /// Adds an endpoint, unless there is one that says the same. Also gives the endpoint with its id.
    pub async fn add_endpoint(&self, call: &EndpointCall) -> Result<(Published, Endpoint)> {
        if let Some(found) = self.endpoint_with(call).await? {
            return Ok((Published::AlreadyThere, found));
        }
        let error = match self.client.post_endpoint(call).await {
            Ok(endpoint) => return Ok((Published::Now, endpoint)),
            Err(error) if error.leaves_doubt() => error,
            Err(error) => return Err(error.into()),
        };
        match self.endpoint_with(call).await {
            Ok(Some(found)) => Ok((Published::Now, found)),
            _ => Err(error.into()),
        }
    }

    /// Makes the endpoint with this id say this.
    pub async fn set_endpoint(&self, endpoint: &Endpoint) -> Result<Published> {
        let id = endpoint.endpoint_id;
        let etag = match standing(self.client.endpoint(id).await, endpoint)? {
            Standing::Same => return Ok(Published::AlreadyThere),
            // Only the registry gives ids.
            Standing::Absent => return Err(ClientError::NotFound.into()),
            Standing::Other(found) => found.etag,
        };
        settle(self.client.put_endpoint(endpoint, etag.as_deref()), self.client.endpoint(id), endpoint).await
    }

    /// Takes an endpoint away.
    pub async fn remove_endpoint(&self, id: i64) -> Result<Withdrawn> {
        gone(self.client.delete_endpoint(id, None).await)
    }

    /// Adds a signature constraint; if there is another one about the same issuer, nothing is changed.
    pub async fn add_constraint(&self, constraint: &SignatureConstraint) -> Result<Published> {
        let about = constraint.acceptable_pid;
        match standing(self.client.constraint(about).await, constraint)? {
            Standing::Same => Ok(Published::AlreadyThere),
            Standing::Other(_) => Err(PublishError::OtherConstraint(about)),
            Standing::Absent => {
                settle(self.client.post_constraint(constraint), self.client.constraint(about), constraint).await
            }
        }
    }

    /// Makes the constraint about this issuer say this, whether there is one or not.
    pub async fn set_constraint(&self, constraint: &SignatureConstraint) -> Result<Published> {
        let about = constraint.acceptable_pid;
        match standing(self.client.constraint(about).await, constraint)? {
            Standing::Same => Ok(Published::AlreadyThere),
            Standing::Absent => {
                settle(self.client.post_constraint(constraint), self.client.constraint(about), constraint).await
            }
            Standing::Other(found) => {
                let put = self.client.put_constraint(constraint, found.etag.as_deref());
                settle(put, self.client.constraint(about), constraint).await
            }
        }
    }

    /// Takes the constraint about this issuer away.
    pub async fn remove_constraint(&self, about: Pid) -> Result<Withdrawn> {
        gone(self.client.delete_constraint(about, None).await)
    }

    async fn endpoint_with(&self, call: &EndpointCall) -> Result<Option<Endpoint>> {
        Ok(self.client.endpoints().await?.entries.into_iter().find(|endpoint| endpoint.call == *call))
    }
}

fn meaning(info: &FreeObject) -> std::result::Result<Value, ClientError> {
    Ok(serde_json::to_value(info)?)
}
