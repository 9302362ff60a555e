//! Floor 2: what BoB and its neighbours say on the wire. Pure: no I/O, no clock, no keys.

pub mod client_cert_header;
