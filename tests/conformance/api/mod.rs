//! `bob-auth conformance api` before a service of ours that keeps every rule, or breaks one.
