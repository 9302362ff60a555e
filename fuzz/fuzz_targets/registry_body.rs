//! Any bytes as bodies and paths of the Participant Metadata API: what is read is written as what reads the same again.
#![no_main]

use bob_auth::protocol::jwk::PublicJwk;
use bob_auth::protocol::metadata::{Endpoint, MtbKey};
use bob_auth::protocol::registry::body;
use bob_auth::protocol::registry::operation::Place;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = body::read_entry::<MtbKey>(bytes) {
        assert_eq!(body::read_entry::<MtbKey>(&body::write(&key).unwrap()).as_ref(), Ok(&key));
        assert_eq!(body::read_entry::<PublicJwk>(bytes).map(|key| key.kid), Ok(key.kid));
    }
    if let Ok(endpoint) = body::read_entry::<Endpoint>(bytes) {
        assert_eq!(body::read_entry::<Endpoint>(&body::write(&endpoint).unwrap()).as_ref(), Ok(&endpoint));
        assert_eq!(body::read_endpoint_call(bytes), Ok(endpoint.call));
    }
    if let Ok(constraint) = body::read_constraint(bytes) {
        assert_eq!(body::read_constraint(&body::write(&constraint).unwrap()).as_ref(), Ok(&constraint));
    }
    if let Ok(info) = body::read_info(bytes) {
        let again = body::read_info(info.as_str().as_bytes()).unwrap();
        assert_eq!(body::read_info(again.as_str().as_bytes()).unwrap(), again);
    }
    if let Ok((whole, _)) = body::read_whole(bytes) {
        let (again, skipped) = body::read_whole(&body::write(&whole).unwrap()).unwrap();
        assert_eq!((&again.pid, &again.authtoken_keys, skipped.len()), (&whole.pid, &whole.authtoken_keys, 0));
    }
    let _ = (body::read_list::<PublicJwk>(bytes).is_ok(), body::read_domain_name(bytes).is_ok());
    if let Ok(place) = std::str::from_utf8(bytes).map_err(drop).and_then(|path| Place::parse(path).map_err(drop)) {
        assert_eq!(Place::parse(&place.to_string()), Ok(place));
    }
});
