//! Fulfils a [`Wish`] inside one change of the store. Everything is decided before the first thing is written, so that a
//! refusal leaves only the used proof behind.

use crate::protocol::metadata::{Endpoint, EndpointCall};
use crate::protocol::registry::operation::{KeyList, Place, Verb};
use crate::store::register::{Kind, RegisterChange, UsedKid};
use crate::store::{AuditResult, AuditRow};
use crate::value::Pid;

use super::handle::Limits;
use super::outcome::{Done, Etag, Refused};
use super::request::{IfMatch, Request};
use super::rules::{KeyBody, unacceptable, write};
use super::wish::Wish;

/// What was done, and its audit row if anything was changed.
pub(super) type Fulfilled = (Done, Option<AuditRow>);

/// One change of the store, on behalf of one request.
pub(super) struct Fulfilling<'a> {
    pub(super) change: &'a mut RegisterChange,
    pub(super) request: &'a Request<'a>,
    pub(super) limits: &'a Limits,
    /// Whose it is.
    pub(super) pid: Pid,
}

impl Fulfilling<'_> {
    pub(super) async fn fulfil(&mut self, wish: Wish) -> Result<Fulfilled, Refused> {
        if self.change.registered(self.pid).await?.is_none() {
            return Err(Refused::NotFound(Place::Participant(self.pid)));
        }
        match wish {
            Wish::Put(body) => self.put(body, false).await,
            Wish::Replace(body) => self.put(body, true).await,
            Wish::AddKey(key) => self.add_key(key).await,
            Wish::RepairKey(key) => self.repair_key(key).await,
            Wish::AddEndpoint(call) => self.add_endpoint(call).await,
            Wish::AddConstraint(issuer, body) => self.add_constraint(issuer, body).await,
            Wish::Remove => self.remove().await,
        }
    }

    async fn put(&mut self, body: String, only_instead: bool) -> Result<Fulfilled, Refused> {
        let place = self.request.place;
        let there = self.change.entry(place).await?;
        if only_instead && there.is_none() {
            return Err(Refused::NotFound(place.clone()));
        }
        self.check_precondition(there.as_deref())?;
        let etag = Etag::of(&body);
        let done = match place {
            Place::Info(_) => Done::Created { location: place.clone(), body: None, etag },
            _ => Done::Replaced { etag },
        };
        if there.is_some_and(|there| there == body) {
            return Ok((done, None));
        }
        self.change.put_entry(place, &body, self.request.change.at).await?;
        Ok((done, Some(self.row(place))))
    }

    async fn add_key(&mut self, key: KeyBody) -> Result<Fulfilled, Refused> {
        let Place::Keys(pid, list) = *self.request.place else { return Err(self.not_here()) };
        let place = Place::Key(pid, list, key.kid.clone());
        let done = Done::Created { location: place.clone(), body: None, etag: Etag::of(&key.json) };
        if let Some(used) = self.change.used_kid(pid, list, &key.kid).await? {
            if used.removed.is_some() || used.thumbprint != key.thumbprint {
                return Err(Refused::KidReused(key.kid));
            }
            return match self.change.entry(&place).await? {
                Some(there) if there == key.json => Ok((done, None)),
                _ => Err(unacceptable("this key is there already with another bob_sc: PUT repairs that")),
            };
        }
        if self.change.proves(pid, &key.thumbprint).await? {
            return Err(unacceptable(
                "this key is or was a metadata key: who proves itself with a key signs nothing else with it",
            ));
        }
        let kind = Kind::of(list);
        self.check_room(kind, self.limits.keys).await?;
        if self.change.count_kids(pid, list).await? >= i64::from(self.limits.kids) {
            return Err(Refused::TooMany { what: "key ids in all its time", most: self.limits.kids });
        }
        let at = self.request.change.at;
        let row = AuditRow { kid: Some(key.kid.clone()), ..self.row(&place) };
        let used = UsedKid { pid, list, kid: key.kid, thumbprint: key.thumbprint, added: at, removed: None };
        self.change.use_kid(&used).await?;
        self.change.put_entry(&place, &key.json, at).await?;
        Ok((done, Some(row)))
    }

    /// A key is immutable: what can be repaired is what stands beside it. The key itself cannot be, even if nobody has seen
    /// it yet: that is not for the register to know.
    async fn repair_key(&mut self, key: KeyBody) -> Result<Fulfilled, Refused> {
        let place = self.request.place;
        let Place::Key(pid, list, kid) = place else { return Err(self.not_here()) };
        let Some(there) = self.change.entry(place).await? else { return Err(Refused::NotFound(place.clone())) };
        let used = self.change.used_kid(*pid, *list, kid).await?;
        if used.is_none_or(|used| used.thumbprint != key.thumbprint) {
            return Err(Refused::KidReused(key.kid));
        }
        self.check_precondition(Some(&there))?;
        let done = Done::Repaired { location: place.clone(), etag: Etag::of(&key.json) };
        if there == key.json {
            return Ok((done, None));
        }
        self.change.put_entry(place, &key.json, self.request.change.at).await?;
        Ok((done, Some(self.row(place))))
    }

    /// The same endpoint a second time is the one that is there: nobody has a use for two, and a request whose answer was lost
    /// may be made again.
    async fn add_endpoint(&mut self, call: EndpointCall) -> Result<Fulfilled, Refused> {
        let pid = self.pid;
        let wanted = |endpoint_id| write(&Endpoint { endpoint_id, call: call.clone() });
        let created = |endpoint_id, body: String| {
            let location = Place::Endpoint(pid, endpoint_id);
            Done::Created { location, etag: Etag::of(&body), body: Some(body) }
        };
        for there in self.change.entries(pid, Kind::Endpoint).await? {
            if wanted(there.number)? == there.body {
                return Ok((created(there.number, there.body), None));
            }
        }
        self.check_room(Kind::Endpoint, self.limits.endpoints).await?;
        let id = self.change.new_endpoint_id().await?;
        let (place, body) = (Place::Endpoint(pid, id), wanted(id)?);
        self.change.put_entry(&place, &body, self.request.change.at).await?;
        Ok((created(id, body), Some(self.row(&place))))
    }

    async fn add_constraint(&mut self, issuer: Pid, body: String) -> Result<Fulfilled, Refused> {
        let place = Place::Constraint(self.pid, issuer);
        let done = Done::Created { location: place.clone(), body: None, etag: Etag::of(&body) };
        if let Some(there) = self.change.entry(&place).await? {
            if there == body {
                return Ok((done, None));
            }
            return Err(unacceptable(format!("there is a constraint about {issuer} already: PUT replaces it")));
        }
        self.check_room(Kind::Constraint, self.limits.constraints).await?;
        self.change.put_entry(&place, &body, self.request.change.at).await?;
        Ok((done, Some(self.row(&place))))
    }

    async fn remove(&mut self) -> Result<Fulfilled, Refused> {
        let place = self.request.place;
        let Some(there) = self.change.entry(place).await? else { return Err(Refused::NotFound(place.clone())) };
        self.check_precondition(Some(&there))?;
        self.change.remove_entry(place, self.request.change.at).await?;
        Ok((Done::Removed, Some(self.row(place))))
    }

    fn check_precondition(&self, there: Option<&str>) -> Result<(), Refused> {
        let holds = match (self.request.if_match, there) {
            (None, _) | (Some(IfMatch::Any), Some(_)) => true,
            (Some(IfMatch::OneOf(etags)), Some(there)) => etags.contains(&Etag::of(there)),
            (Some(_), None) => false,
        };
        if holds { Ok(()) } else { Err(Refused::PreconditionFailed) }
    }

    async fn check_room(&mut self, kind: Kind, most: u32) -> Result<(), Refused> {
        let what = match kind {
            Kind::Mtb | Kind::Authtoken => "keys in this list",
            Kind::Endpoint => "endpoints",
            Kind::Domain | Kind::Constraint | Kind::Info => "signature constraints",
        };
        let count = self.change.entries(self.pid, kind).await?.len();
        if count >= most as usize { Err(Refused::TooMany { what, most }) } else { Ok(()) }
    }

    fn not_here(&self) -> Refused {
        Refused::MethodNotHere(self.request.place.clone())
    }

    /// The audit row of a change at a place.
    fn row(&self, place: &Place) -> AuditRow {
        let change = self.request.change;
        let kid = if let Place::Key(_, _, kid) = place { Some(kid.clone()) } else { None };
        let detail = match place {
            Place::Endpoint(_, id) => Some(format!("endpoint {id}").into()),
            Place::Constraint(_, issuer) => Some(format!("issuer {issuer}").into()),
            _ => None,
        };
        let action = action(self.request.verb, place);
        let row = AuditRow::new(change.at, change.actor.clone(), action, AuditResult::Done);
        AuditRow { pid: Some(self.pid), kid, detail, ..row }
    }
}

/// What stands in the audit trail.
const fn action(verb: Verb, place: &Place) -> &'static str {
    match (verb, place) {
        (Verb::Delete, Place::DomainName(_)) => "registry.domain-name.remove",
        (_, Place::DomainName(_)) => "registry.domain-name.put",
        (Verb::Post, Place::Key(_, KeyList::Mtb, _)) => "registry.mtb-key.add",
        (Verb::Delete, Place::Key(_, KeyList::Mtb, _)) => "registry.mtb-key.remove",
        (_, Place::Key(_, KeyList::Mtb, _)) => "registry.mtb-key.repair",
        (Verb::Post, Place::Key(_, KeyList::Authtoken, _)) => "registry.authtoken-key.add",
        (Verb::Delete, Place::Key(_, KeyList::Authtoken, _)) => "registry.authtoken-key.remove",
        (_, Place::Key(_, KeyList::Authtoken, _)) => "registry.authtoken-key.repair",
        (Verb::Post, Place::Endpoint(..)) => "registry.endpoint.add",
        (Verb::Delete, Place::Endpoint(..)) => "registry.endpoint.remove",
        (_, Place::Endpoint(..)) => "registry.endpoint.put",
        (Verb::Post, Place::Constraint(..)) => "registry.constraint.add",
        (Verb::Delete, Place::Constraint(..)) => "registry.constraint.remove",
        (_, Place::Constraint(..)) => "registry.constraint.put",
        (Verb::Delete, Place::Info(_)) => "registry.info.remove",
        (_, _) => "registry.info.put",
    }
}
