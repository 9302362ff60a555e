//! The chapters of the demo, one file each. Every one tells what it does and hands on what the next ones need.

pub(super) mod attacks;
pub(super) mod by_hand;
pub(super) mod clients;
pub(super) mod partner;
pub(super) mod registry;
pub(super) mod rotation;
pub(super) mod services;
