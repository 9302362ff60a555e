//! `bob-auth conformance auth` before an Authentication API of ours that keeps every rule, or breaks one.
