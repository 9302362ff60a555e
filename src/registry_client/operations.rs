//! The 28 operations of the Participant Metadata API 2.3.1, one function each; the first, the whole set, is in `client`.
//! They say what the registry says; what is to follow from it is decided by who calls.

use super::answer::{Believed, Tagged};
use super::client::RegistryClient;
use super::error::ClientError;
use crate::protocol::jwk::{PublicJwk, bare_jwk};
use crate::protocol::metadata::entry::Entry;
use crate::protocol::metadata::free_object::FreeObject;
use crate::protocol::metadata::{Endpoint, EndpointCall, MtbKey, Participant, SignatureConstraint, Skipped};
use crate::protocol::registry::body::{
    BodyError, List, read_constraint, read_domain_name, read_entry, read_info, read_list, read_whole, write,
};
use crate::protocol::registry::operation::{BASE_PATH, KeyList, Place, Verb};
use crate::value::{Kid, Pid};

type Result<T> = std::result::Result<T, ClientError>;

impl RegistryClient {
    /// `getParticipant`: everything about the participant, and what in it is not understood.
    pub async fn participant(&self) -> Result<(Participant, Vec<Skipped>)> {
        Ok(read_whole(&self.get(&Place::Participant(self.pid())).await?.body)?)
    }

    /// `getDomainName`
    pub async fn domain_name(&self) -> Result<Tagged<Box<str>>> {
        self.read(&Place::DomainName(self.pid()), read_domain_name).await
    }

    /// `putDomainName`
    pub async fn put_domain_name(&self, name: &str, if_match: Option<&str>) -> Result<Believed> {
        self.put(&Place::DomainName(self.pid()), write(name)?, if_match).await
    }

    /// `deleteDomainName`
    pub async fn delete_domain_name(&self, if_match: Option<&str>) -> Result<Believed> {
        self.delete(&Place::DomainName(self.pid()), if_match).await
    }

    /// `getMtbPublicKeys`
    pub async fn mtb_keys(&self) -> Result<List<MtbKey>> {
        self.list(&Place::Keys(self.pid(), KeyList::Mtb)).await
    }

    /// `postMtbPublicKey`
    pub async fn post_mtb_key(&self, key: &MtbKey) -> Result<Believed> {
        self.post(&Place::Keys(self.pid(), KeyList::Mtb), write(key)?).await
    }

    /// `getMtbPublicKey`
    pub async fn mtb_key(&self, kid: &Kid) -> Result<Tagged<MtbKey>> {
        self.read(&self.key_at(KeyList::Mtb, kid), read_entry).await
    }

    /// `putMtbPublicKey`, for repairing a wrong one only.
    pub async fn put_mtb_key(&self, key: &MtbKey, if_match: Option<&str>) -> Result<Believed> {
        self.put(&self.key_at(KeyList::Mtb, &key.kid), write(key)?, if_match).await
    }

    /// `deleteMtbPublicKey`
    pub async fn delete_mtb_key(&self, kid: &Kid, if_match: Option<&str>) -> Result<Believed> {
        self.delete(&self.key_at(KeyList::Mtb, kid), if_match).await
    }

    /// `getAuthtokenPublicKeys`
    pub async fn authtoken_keys(&self) -> Result<List<PublicJwk>> {
        self.list(&Place::Keys(self.pid(), KeyList::Authtoken)).await
    }

    /// `postAuthtokenPublicKey`
    pub async fn post_authtoken_key(&self, key: &PublicJwk) -> Result<Believed> {
        self.post(&Place::Keys(self.pid(), KeyList::Authtoken), write(&bare_jwk(&key.kid, &key.key))?).await
    }

    /// `getAuthtokenPublicKey`
    pub async fn authtoken_key(&self, kid: &Kid) -> Result<Tagged<PublicJwk>> {
        self.read(&self.key_at(KeyList::Authtoken, kid), read_entry).await
    }

    /// `putAuthtokenPublicKey`, for repairing a wrong one only.
    pub async fn put_authtoken_key(&self, key: &PublicJwk, if_match: Option<&str>) -> Result<Believed> {
        let body = write(&bare_jwk(&key.kid, &key.key))?;
        self.put(&self.key_at(KeyList::Authtoken, &key.kid), body, if_match).await
    }

    /// `deleteAuthtokenPublicKey`
    pub async fn delete_authtoken_key(&self, kid: &Kid, if_match: Option<&str>) -> Result<Believed> {
        self.delete(&self.key_at(KeyList::Authtoken, kid), if_match).await
    }

    /// `getInterfaceEndpoints`
    pub async fn endpoints(&self) -> Result<List<Endpoint>> {
        self.list(&Place::Endpoints(self.pid())).await
    }

    /// `postInterfaceEndpoint`: the registry gives it its id, in the body or at least in `Location`.
    pub async fn post_endpoint(&self, call: &EndpointCall) -> Result<Endpoint> {
        let answer = self.post(&Place::Endpoints(self.pid()), write(call)?).await?;
        if answer.body.is_empty()
            && let Some(endpoint_id) = answer.location.as_deref().and_then(endpoint_of)
        {
            return Ok(Endpoint { endpoint_id, call: call.clone() });
        }
        Ok(read_entry(&answer.body)?)
    }

    /// `getInterfaceEndpoint`
    pub async fn endpoint(&self, id: i64) -> Result<Tagged<Endpoint>> {
        self.read(&Place::Endpoint(self.pid(), id), read_entry).await
    }

    /// `putInterfaceEndpoint`
    pub async fn put_endpoint(&self, endpoint: &Endpoint, if_match: Option<&str>) -> Result<Believed> {
        self.put(&Place::Endpoint(self.pid(), endpoint.endpoint_id), write(endpoint)?, if_match).await
    }

    /// `deleteInterfaceEndpoint`
    pub async fn delete_endpoint(&self, id: i64, if_match: Option<&str>) -> Result<Believed> {
        self.delete(&Place::Endpoint(self.pid(), id), if_match).await
    }

    /// `getSignatureConstraints`
    pub async fn constraints(&self) -> Result<List<SignatureConstraint>> {
        self.list(&Place::Constraints(self.pid())).await
    }

    /// `postSignatureConstraint`
    pub async fn post_constraint(&self, constraint: &SignatureConstraint) -> Result<Believed> {
        self.post(&Place::Constraints(self.pid()), write(constraint)?).await
    }

    /// `getSignatureConstraint`
    pub async fn constraint(&self, acceptable: Pid) -> Result<Tagged<SignatureConstraint>> {
        self.read(&Place::Constraint(self.pid(), acceptable), read_constraint).await
    }

    /// `putSignatureConstraint`; its body is an array of one, as the published document has it.
    pub async fn put_constraint(&self, constraint: &SignatureConstraint, if_match: Option<&str>) -> Result<Believed> {
        let place = Place::Constraint(self.pid(), constraint.acceptable_pid);
        self.put(&place, write(&[constraint])?, if_match).await
    }

    /// `deleteSignatureConstraint`
    pub async fn delete_constraint(&self, acceptable: Pid, if_match: Option<&str>) -> Result<Believed> {
        self.delete(&Place::Constraint(self.pid(), acceptable), if_match).await
    }

    /// `getParticipantInfo`
    pub async fn info(&self) -> Result<Tagged<FreeObject>> {
        self.read(&Place::Info(self.pid()), read_info).await
    }

    /// `putParticipantInfo`
    pub async fn put_info(&self, info: &FreeObject, if_match: Option<&str>) -> Result<Believed> {
        self.put(&Place::Info(self.pid()), info.as_str().into(), if_match).await
    }

    /// `deleteParticipantInfo`
    pub async fn delete_info(&self, if_match: Option<&str>) -> Result<Believed> {
        self.delete(&Place::Info(self.pid()), if_match).await
    }

    fn key_at(&self, list: KeyList, kid: &Kid) -> Place {
        Place::Key(self.pid(), list, kid.clone())
    }

    /// Reading is answered with 200 and nothing else.
    async fn get(&self, place: &Place) -> Result<Believed> {
        let answer = self.call(Verb::Get, place, None, None).await?;
        match answer.status {
            200 => Ok(answer),
            status => Err(ClientError::Unexpected { status, reason: None }),
        }
    }

    async fn read<T>(
        &self,
        place: &Place,
        read: impl FnOnce(&[u8]) -> std::result::Result<T, BodyError>,
    ) -> Result<Tagged<T>> {
        let answer = self.get(place).await?;
        Ok(Tagged { value: read(&answer.body)?, etag: answer.etag })
    }

    async fn list<T: Entry>(&self, place: &Place) -> Result<List<T>> {
        Ok(read_list(&self.get(place).await?.body)?)
    }

    async fn post(&self, place: &Place, body: Vec<u8>) -> Result<Believed> {
        self.call(Verb::Post, place, Some(body), None).await
    }

    async fn put(&self, place: &Place, body: Vec<u8>, if_match: Option<&str>) -> Result<Believed> {
        self.call(Verb::Put, place, Some(body), if_match).await
    }

    async fn delete(&self, place: &Place, if_match: Option<&str>) -> Result<Believed> {
        self.call(Verb::Delete, place, None, if_match).await
    }
}

/// The id of a new endpoint from its `Location`, a path or a whole URL.
fn endpoint_of(location: &str) -> Option<i64> {
    let (_, path) = location.rsplit_once(BASE_PATH)?;
    match Place::parse(path) {
        Ok(Place::Endpoint(_, id)) => Some(id),
        _ => None,
    }
}
