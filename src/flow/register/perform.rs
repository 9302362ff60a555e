//! The operations of the Participant Metadata API but the first.

use crate::protocol::registry::operation::{Place, Verb};
use crate::store::StoreError;
use crate::store::register::Kind;

use super::content::{array, push_participant};
use super::fulfil::Fulfilling;
use super::handle::Register;
use super::outcome::{Done, Etag, Refused};
use super::request::Request;
use super::wish::Wish;

impl Register {
    /// Does what is asked, or says why not. An acknowledged change is on the disk. The whole set is not asked for here, see
    /// [`Register::current_set`].
    pub async fn perform(&self, request: &Request<'_>) -> Result<Done, Refused> {
        let place = request.place;
        let Some(pid) = place.pid() else { return Err(Refused::NotFound(place.clone())) };
        if pid != request.caller {
            return Err(Refused::NotYours(place.clone()));
        }
        if !place.verbs().contains(&request.verb) {
            return Err(Refused::MethodNotHere(place.clone()));
        }
        if request.verb == Verb::Get {
            return self.read(place).await;
        }
        let wish = Wish::read(request, &self.limits)?;
        let mut change = self.store.change_register().await?;
        if let Some(proof) = &request.proof
            && !change.use_proof(proof, request.change.at).await?
        {
            return Err(Refused::Replayed);
        }
        let fulfilled = Fulfilling { change: &mut change, request, limits: &self.limits, pid }.fulfil(wish).await;
        match fulfilled {
            Ok((done, Some(row))) => change.commit(row).await.map(|()| done).map_err(Refused::from),
            Ok((done, None)) => change.commit_unchanged().await.map(|()| done).map_err(Refused::from),
            Err(Refused::Store(error)) => Err(error.into()),
            Err(refused) => {
                change.commit_unchanged().await?;
                Err(refused)
            }
        }
    }

    async fn read(&self, place: &Place) -> Result<Done, Refused> {
        let missing = || Refused::NotFound(place.clone());
        let list = async |pid, kind| {
            let entries = self.store.register_list(pid, kind).await?.ok_or_else(missing)?;
            Ok::<_, Refused>(array(entries.iter().map(|entry| &*entry.body)))
        };
        let json = match *place {
            Place::WholeSet => return Err(missing()),
            Place::Participant(pid) => {
                let content = self.store.register_content(pid).await?.ok_or_else(missing)?;
                let mut json = String::new();
                push_participant(&mut json, &content)
                    .map_err(|error| StoreError::Corrupt(format!("a participant cannot be written: {error}")))?;
                json
            }
            Place::Keys(pid, keys) => list(pid, Kind::of(keys)).await?,
            Place::Endpoints(pid) => list(pid, Kind::Endpoint).await?,
            Place::Constraints(pid) => list(pid, Kind::Constraint).await?,
            Place::DomainName(_) | Place::Key(..) | Place::Endpoint(..) | Place::Constraint(..) | Place::Info(_) => {
                self.store.register_entry(place).await?.ok_or_else(missing)?
            }
        };
        Ok(Done::Read { etag: Etag::of(&json), json })
    }
}
