//! [`Wish`]: what a request would have, read from its body and found fit before anything is asked of the store.

use crate::protocol::metadata::EndpointCall;
use crate::protocol::registry::operation::{Place, Verb};
use crate::value::Pid;

use super::handle::Limits;
use super::outcome::Refused;
use super::request::Request;
use super::rules::{self, KeyBody, unacceptable, write};

/// What is to be changed.
#[derive(Debug)]
pub(super) enum Wish {
    /// Put this in the place, whatever is there.
    Put(String),
    /// Put this in the place of what is there.
    Replace(String),
    AddKey(KeyBody),
    RepairKey(KeyBody),
    AddEndpoint(EndpointCall),
    /// About this issuer.
    AddConstraint(Pid, String),
    Remove,
}

impl Wish {
    /// Reads the body of a request that changes something.
    pub(super) fn read(request: &Request<'_>, limits: &Limits) -> Result<Self, Refused> {
        let body = request.body;
        let not_here = || Refused::MethodNotHere(request.place.clone());
        match (request.verb, request.place) {
            (Verb::Delete, _) => Ok(Self::Remove),
            (Verb::Put, Place::DomainName(_)) => rules::domain_name(body).map(Self::Put),
            (Verb::Put, Place::Info(_)) => rules::info(body, limits.info_bytes).map(Self::Put),
            (Verb::Post, Place::Keys(_, list)) => rules::key(*list, body).map(Self::AddKey),
            (Verb::Put, Place::Key(_, list, kid)) => {
                let key = rules::key(*list, body)?;
                if key.kid != *kid {
                    return Err(unacceptable("the kid in the body is the one in the path"));
                }
                Ok(Self::RepairKey(key))
            }
            (Verb::Post, Place::Endpoints(_)) => rules::endpoint_call(body).map(Self::AddEndpoint),
            (Verb::Put, Place::Endpoint(_, id)) => {
                let endpoint = rules::endpoint(body)?;
                if endpoint.endpoint_id != *id {
                    return Err(unacceptable("the endpointId in the body is the one in the path"));
                }
                write(&endpoint).map(Self::Replace)
            }
            (Verb::Post, Place::Constraints(_)) => {
                let constraint = rules::new_constraint(body)?;
                Ok(Self::AddConstraint(constraint.acceptable_pid, write(&constraint)?))
            }
            (Verb::Put, Place::Constraint(_, issuer)) => {
                let constraint = rules::constraint(body)?;
                if constraint.acceptable_pid != *issuer {
                    return Err(unacceptable("the pid in the body is the one in the path"));
                }
                write(&constraint).map(Self::Replace)
            }
            _ => Err(not_here()),
        }
    }
}
