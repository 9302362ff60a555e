//! [`Finding`]: everything that can be wrong with a proxy, how bad it is, and what it means in words. Which line of a
//! configuration mends it is in `remedy`.

use serde::Serialize;

/// How a check came out, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Ok,
    /// Worth knowing; nothing to mend.
    Note,
    /// Clients that should get through do not.
    Broken,
    /// Clients can be somebody else, or change what the proxy says about them.
    Unsafe,
}

/// What was found. The order is that in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Finding {
    ForgedIdentity,
    ForgedHeader,
    UnderscoreHeader,
    IdentityOfNobody,
    WrongIdentity,
    ConnectionOption,
    SessionIdentity,
    Unreachable,
    ServerNotVerified,
    NoTls,
    Silent,
    ProbeMissing,
    VerifierDown,
    NotAProbe,
    PeerUntrusted,
    ProxySecret,
    CertificateDemanded,
    BrokenOff,
    Refused400,
    Refused401,
    TooLarge,
    NotHandedOver,
    Unreadable,
    TokenLost,
    OtherStatus,
    ProxyDecides,
    KnownLimit,
    LargeRefused,
    TokensJoined,
    VersionOff,
    NotTried,
}

/// Id, outcome and meaning of each.
const TABLE: &[(Finding, &str, Outcome, &str)] = &[
    (
        Finding::ForgedIdentity,
        "forged_identity",
        Outcome::Unsafe,
        "Whoever sends this header is taken for the client whose certificate it names.",
    ),
    (
        Finding::ForgedHeader,
        "forged_header",
        Outcome::Unsafe,
        "A header that only the proxy may write arrives as the client wrote it. What stands behind the proxy, now or later, believes it.",
    ),
    (
        Finding::UnderscoreHeader,
        "underscore_header",
        Outcome::Unsafe,
        "The name of an identity header passes with underscores for dashes. Many back ends take both for the same name.",
    ),
    (
        Finding::IdentityOfNobody,
        "identity_of_nobody",
        Outcome::Unsafe,
        "The proxy names a certificate for a client that has shown none.",
    ),
    (
        Finding::WrongIdentity,
        "wrong_identity",
        Outcome::Unsafe,
        "The proxy names another certificate than the one that the client has shown.",
    ),
    (
        Finding::ConnectionOption,
        "connection_option",
        Outcome::Unsafe,
        "A client that names the proxy's headers in `Connection` makes the proxy drop them: the client decides what arrives.",
    ),
    (
        Finding::SessionIdentity,
        "session_identity",
        Outcome::Unsafe,
        "A TLS session that is taken up again shows another certificate than the one that it was begun with.",
    ),
    (Finding::Unreachable, "unreachable", Outcome::Broken, "No connection: nothing was examined."),
    (
        Finding::ServerNotVerified,
        "server_not_verified",
        Outcome::Broken,
        "The proxy's own certificate does not verify: nothing was examined. Name its CA with --ca FILE, or look away with --insecure.",
    ),
    (
        Finding::NoTls,
        "no_tls",
        Outcome::Broken,
        "The proxy broke off with and without a client certificate: nothing was examined. Is it TLS that is spoken at this port?",
    ),
    (
        Finding::Silent,
        "silent",
        Outcome::Broken,
        "No answer within --timeout. If it is not the network, the proxy waits for a verify server that does not answer.",
    ),
    (
        Finding::ProbeMissing,
        "probe_missing",
        Outcome::Broken,
        "The probe path does not lead to the verify server's GET /probe: nothing was examined. Either the proxy does not route it, or asks for a token first, or `probe = true` is missing in [listener.verify].",
    ),
    (
        Finding::VerifierDown,
        "verifier_down",
        Outcome::Broken,
        "The proxy does not reach the verify server: nothing was examined. Is `bob-auth verify-server` running, at the address that the proxy has?",
    ),
    (
        Finding::NotAProbe,
        "not_a_probe",
        Outcome::Broken,
        "Something else than the verify server answers at the probe path: nothing was examined.",
    ),
    (
        Finding::PeerUntrusted,
        "peer_untrusted",
        Outcome::Broken,
        "The verify server does not believe this proxy: write the address that the proxy connects from (or \"unix\") into trusted_peers of [listener.verify]. Nothing was examined.",
    ),
    (
        Finding::ProxySecret,
        "proxy_secret",
        Outcome::Broken,
        "The verify server wants a secret of the proxy that is missing or wrong: the proxy must set the header secret_header of [listener.verify] to what is in secret_file. Nothing was examined.",
    ),
    (
        Finding::CertificateDemanded,
        "certificate_demanded",
        Outcome::Broken,
        "A client without a certificate is broken off or gets a 400. BoB promises 401.",
    ),
    (
        Finding::BrokenOff,
        "certificate_broken_off",
        Outcome::Broken,
        "The proxy breaks off instead of handing this certificate over. BoB needs no CA: the service decides, and answers 401.",
    ),
    (
        Finding::Refused400,
        "certificate_refused_400",
        Outcome::Broken,
        "The proxy answers 400 itself instead of handing this certificate over. BoB needs no CA: the service decides, and answers 401.",
    ),
    (
        Finding::Refused401,
        "certificate_refused_401",
        Outcome::Broken,
        "The proxy answers 401 itself instead of handing this certificate over. BoB needs no CA: the service decides.",
    ),
    (
        Finding::TooLarge,
        "certificate_too_large",
        Outcome::Broken,
        "There is no room for this certificate in a header: in the proxy, in header_bytes of [limits], or in the 16 KB that the verify server reads of one header.",
    ),
    (
        Finding::NotHandedOver,
        "certificate_not_handed_over",
        Outcome::Broken,
        "The proxy admits the certificate and does not say which one it was, or not in the headers that [listener.verify] reads.",
    ),
    (
        Finding::Unreadable,
        "certificate_unreadable",
        Outcome::Broken,
        "The proxy says which certificate it was in a form that [listener.verify] cannot read; the reason is that of the verify server.",
    ),
    (
        Finding::TokenLost,
        "token_lost",
        Outcome::Broken,
        "X-BoB-AuthToken does not arrive: the proxy removes it, and nobody can show a token.",
    ),
    (Finding::OtherStatus, "other_status", Outcome::Broken, "The proxy answers with an error of its own."),
    (
        Finding::ProxyDecides,
        "proxy_decides",
        Outcome::Note,
        "The proxy refuses this certificate by itself, with the 401 that BoB promises. The service never sees it.",
    ),
    (
        Finding::KnownLimit,
        "known_limit",
        Outcome::Note,
        "This proxy breaks off instead of answering 401, and has no setting for it. Its clients need certificates that are valid now and not for servers only.",
    ),
    (
        Finding::LargeRefused,
        "large_certificate_refused",
        Outcome::Note,
        "There is no room for a certificate of 11 KB: in the proxy, in header_bytes of [limits], or in the 16 KB that the verify server reads of one header. Ordinary ones have 1 KB.",
    ),
    (
        Finding::TokensJoined,
        "tokens_joined",
        Outcome::Note,
        "Of two X-BoB-AuthToken one arrives. Joined with a comma, as Apache does it, it is no token and refused; if one of the two is chosen, look that verifier and service get the same one.",
    ),
    (Finding::VersionOff, "version_off", Outcome::Note, "The proxy does not speak this version of TLS."),
    (
        Finding::NotTried,
        "not_tried",
        Outcome::Note,
        "Not tried, since no certificate came through or too many requests stayed without an answer. Mend the rest first, then examine again.",
    ),
];

impl Finding {
    fn row(self) -> Option<&'static (Self, &'static str, Outcome, &'static str)> {
        TABLE.iter().find(|row| row.0 == self)
    }

    /// Its stable id.
    pub(super) fn id(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    /// How bad it is.
    pub(super) fn outcome(self) -> Outcome {
        self.row().map_or(Outcome::Broken, |row| row.2)
    }

    /// What it means.
    pub(super) fn meaning(self) -> &'static str {
        self.row().map_or("", |row| row.3)
    }
}

impl Outcome {
    /// As it stands at the beginning of a line.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Broken => "broken",
            Self::Unsafe => "UNSAFE",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_finding_has_an_id_of_its_own_and_the_table_is_in_their_order() {
        let ids: HashSet<&str> = TABLE.iter().map(|row| row.1).collect();
        assert_eq!(ids.len(), TABLE.len());
        assert!(TABLE.is_sorted_by_key(|row| row.0));
        assert_eq!(TABLE.len(), Finding::NotTried as usize + 1);
    }
}
