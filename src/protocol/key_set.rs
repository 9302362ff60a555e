//! [`KeySet`]: whose key is which. A key is always looked up by issuer *and* kid; the keys of another issuer are never
//! tried, whatever they are called (Participant Metadata API 2.3.1, `authtokenPublicKeys` of one participant).

use std::collections::HashMap;

use super::jwk::PublicJwk;
use crate::crypto::public_key::PublicKey;
use crate::value::{Kid, Pid, Timestamp};

/// The token keys of every issuer that is known, as of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    issuers: HashMap<Pid, IssuerKeys>,
    /// After this point the set must not be used (`notvalidafter` of a metadata set); `None` if nobody said.
    pub not_valid_after: Option<Timestamp>,
}

/// Sorted by kid: a search costs little, and so does the room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct IssuerKeys(Box<[PublicJwk]>);

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The set does not know the issuer.
    Issuer,
    /// It knows the issuer, who has no such key.
    Key,
}

/// Why keys do not make a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Two sources speak for one participant.
    #[error("the keys of participant {0} come from two sources, and none of them is the right one")]
    DuplicateIssuer(Pid),
    /// A participant has two keys with one id.
    #[error("participant {pid} has two keys with the id {kid}")]
    DuplicateKid {
        /// Whose.
        pid: Pid,
        /// Which id.
        kid: Kid,
    },
}

impl KeySet {
    /// A set that knows nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an issuer with all its keys.
    pub fn add(&mut self, pid: Pid, mut keys: Vec<PublicJwk>) -> Result<(), KeySetError> {
        keys.sort_unstable_by(|a, b| a.kid.cmp(&b.kid));
        if let Some(twice) = keys.windows(2).find(|pair| pair[0].kid == pair[1].kid) {
            return Err(KeySetError::DuplicateKid { pid, kid: twice[0].kid.clone() });
        }
        if self.issuers.insert(pid, IssuerKeys(keys.into_boxed_slice())).is_some() {
            return Err(KeySetError::DuplicateIssuer(pid));
        }
        Ok(())
    }

    /// Adds every issuer of another set. How long that one may be used holds for the whole from now on.
    pub fn absorb(&mut self, other: &Self) -> Result<(), KeySetError> {
        for (pid, keys) in &other.issuers {
            if self.knows(*pid) {
                return Err(KeySetError::DuplicateIssuer(*pid));
            }
            self.issuers.insert(*pid, keys.clone());
        }
        self.not_valid_after = [self.not_valid_after, other.not_valid_after].into_iter().flatten().min();
        Ok(())
    }

    /// Forgets an issuer and its keys.
    pub fn remove(&mut self, issuer: Pid) {
        self.issuers.remove(&issuer);
    }

    /// The key with this id among the keys of this issuer.
    pub fn find(&self, issuer: Pid, kid: &Kid) -> Result<&PublicKey, Missing> {
        let keys = &self.issuers.get(&issuer).ok_or(Missing::Issuer)?.0;
        let index = keys.binary_search_by(|key| key.kid.cmp(kid)).map_err(|_| Missing::Key)?;
        Ok(&keys[index].key)
    }

    /// Whether the set knows the issuer.
    pub fn knows(&self, issuer: Pid) -> bool {
        self.issuers.contains_key(&issuer)
    }

    /// The issuers, in no order.
    pub fn issuers(&self) -> impl Iterator<Item = Pid> {
        self.issuers.keys().copied()
    }

    /// The keys of an issuer, by kid; none if it is not known.
    pub fn keys_of(&self, issuer: Pid) -> &[PublicJwk] {
        self.issuers.get(&issuer).map_or(&[], |keys| &keys.0)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.issuers.values().map(|keys| keys.0.len()).sum()
    }

    /// Whether there is no key at all, so that nothing can be verified.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
mod tests {
    use super::*;
    use crate::crypto::private_key::PrivateKey;
    use crate::crypto::signer::{Signer as _, SoftwareSigner};

    fn key(kid: &str) -> PublicJwk {
        let private = PrivateKey::generate_p256().unwrap();
        let signer = SoftwareSigner::new(&private, &ring::rand::SystemRandom::new()).unwrap();
        PublicJwk { kid: kid.parse().unwrap(), key: signer.public_key().clone() }
    }

    fn pid(number: i64) -> Pid {
        Pid::new(number).unwrap()
    }

    #[test]
    fn a_key_is_found_under_its_own_issuer_only() {
        let (ours, theirs) = (key("shared"), key("shared"));
        let mut set = KeySet::new();
        set.add(pid(1), vec![key("b"), ours.clone(), key("a")]).unwrap();
        set.add(pid(2), vec![theirs.clone(), key("c")]).unwrap();
        assert_eq!(set.find(pid(1), &ours.kid), Ok(&ours.key));
        assert_eq!(set.find(pid(2), &ours.kid), Ok(&theirs.key));
        assert_eq!(set.find(pid(1), &"c".parse().unwrap()), Err(Missing::Key));
        assert_eq!(set.find(pid(3), &ours.kid), Err(Missing::Issuer));
        assert_eq!(set.len(), 5);
    }

    #[test]
    fn a_set_made_of_two_holds_both_until_the_first_of_them_ends() {
        let (mut all, mut other) = (KeySet::new(), KeySet::new());
        all.add(pid(1), vec![key("a")]).unwrap();
        other.add(pid(2), Vec::new()).unwrap();
        other.not_valid_after = Some(Timestamp::from_seconds(9));
        all.absorb(&other).unwrap();
        assert!(all.knows(pid(2)) && all.len() == 1);
        all.absorb(&KeySet { not_valid_after: Some(Timestamp::from_seconds(10)), ..KeySet::new() }).unwrap();
        assert_eq!(all.not_valid_after, other.not_valid_after);
        assert_eq!(all.absorb(&other), Err(KeySetError::DuplicateIssuer(pid(2))));
    }

    #[test]
    fn an_issuer_comes_with_another_set_at_its_earlier_end_and_goes_with_all_its_keys() {
        let (mut ours, mut theirs) = (KeySet::new(), KeySet::new());
        ours.add(pid(1), vec![key("a")]).unwrap();
        theirs.add(pid(2), vec![key("b")]).unwrap();
        ours.not_valid_after = Some(Timestamp::from_seconds(9));
        theirs.not_valid_after = Some(Timestamp::from_seconds(7));
        ours.absorb(&theirs).unwrap();
        assert!(ours.knows(pid(2)) && ours.find(pid(2), &"b".parse().unwrap()).is_ok());
        assert_eq!(ours.not_valid_after, theirs.not_valid_after);
        assert_eq!(ours.absorb(&theirs).unwrap_err(), KeySetError::DuplicateIssuer(pid(2)));
        ours.remove(pid(2));
        assert!(!ours.knows(pid(2)) && ours.keys_of(pid(2)).is_empty());
        assert_eq!(ours.issuers().collect::<Vec<_>>(), [pid(1)]);
    }

    #[test]
    fn two_keys_with_one_id_or_two_sources_for_one_issuer_are_refused() {
        let mut set = KeySet::new();
        let refusal = set.add(pid(1), vec![key("a"), key("a")]).unwrap_err();
        assert_eq!(refusal, KeySetError::DuplicateKid { pid: pid(1), kid: "a".parse().unwrap() });
        set.add(pid(2), vec![key("a")]).unwrap();
        assert_eq!(set.add(pid(2), vec![key("b")]).unwrap_err(), KeySetError::DuplicateIssuer(pid(2)));
    }
}
