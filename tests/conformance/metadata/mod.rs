//! `bob-auth conformance metadata` before a registry of ours that keeps every rule, or breaks one.
