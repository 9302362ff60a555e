//! The verifier, attack by attack.
