//! Every operation once, with the statuses, headers and bodies of the standard's table.

use serde_json::json;

use crate::asker::{Participant, get_set};
use crate::site::{Site, new_key, public_jwk};
use bob_auth::crypto::algorithm::Algorithm;

#[test]
fn a_key_is_published_read_and_deleted() {
    let mut site = Site::new();
    let running = site.start();
    let participant = Participant::new(&site, &running, 34);
    let key = public_jwk(&new_key("34:20261122_1", Algorithm::Es256)).to_string();
    let made = participant.must(201, "POST", "/authtokenPublicKey", &key);
    let location = "/api/v2/participantMetadata/34/authtokenPublicKey/34%3A20261122_1";
    assert_eq!(made.header("location"), Some(location));
    let read = participant.get("/authtokenPublicKey/34%3A20261122_1");
    assert_eq!(read.json(), serde_json::from_str::<serde_json::Value>(&key).unwrap());
    assert_eq!(participant.get("/authtokenPublicKey").json(), json!([read.json()]));
    let gone = participant.must(204, "DELETE", "/authtokenPublicKey/34%3A20261122_1", "");
    assert!(gone.body.is_empty());
    let set = get_set(&running, &[]);
    assert!(matches!(set.status, 200 | 409), "{set:?}");
}
