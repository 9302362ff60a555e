//! What a reply means for the check that it came for. Pure: nothing is asked here.

use super::finding::{Finding, Outcome};
use super::remedy::Proxy;
use super::reply::{Answer, Arrived, Identity, Probe, Reply};
use crate::crypto::cert::Certificate;
use crate::crypto::probe_cert::Nature;

/// What is to be said of one reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// `None` if all is well.
    pub(super) finding: Option<Finding>,
    pub(super) seen: String,
}

/// What arrives for the same client when nothing is forged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual<'a> {
    /// Whom it has shown to be.
    pub(super) own: Option<&'a Certificate>,
    pub(super) headers: &'a [Arrived],
}

impl Verdict {
    fn ok(seen: impl Into<String>) -> Self {
        Self { finding: None, seen: seen.into() }
    }

    fn of(finding: Finding, seen: impl Into<String>) -> Self {
        Self { finding: Some(finding), seen: seen.into() }
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.finding.map_or(Outcome::Ok, Finding::outcome)
    }
}

/// Whether the examination can begin; if not, why. A client without a certificate may be refused.
pub(super) fn reached(reply: &Reply) -> Result<(), Verdict> {
    let answer = match reply {
        Reply::Answer(answer) => answer,
        other => return Err(no_answer(other)),
    };
    let Some(probe) = &answer.probe else {
        let seen = describe(answer);
        return Err(match answer.status {
            // The verifier was asked whether this may pass.
            _ if answer.reason.is_some() => Verdict::of(Finding::ProbeMissing, seen),
            404 => Verdict::of(Finding::ProbeMissing, seen),
            500 | 502..=504 => Verdict::of(Finding::VerifierDown, seen),
            _ => Verdict::of(Finding::NotAProbe, seen),
        });
    };
    match probe.fault.as_deref() {
        _ if !probe.peer_trusted => Err(Verdict::of(Finding::PeerUntrusted, "the verify server: peer_trusted: false")),
        Some("proxy_secret") => Err(Verdict::of(Finding::ProxySecret, "the verify server: proxy_secret")),
        _ => Ok(()),
    }
}

/// A client without a certificate is nobody.
pub(super) fn nobody(reply: &Reply) -> Verdict {
    match reply {
        Reply::BrokenOff(how) => Verdict::of(Finding::CertificateDemanded, how),
        Reply::Answer(Answer { probe: Some(probe), .. }) => match &probe.identity {
            Some(identity) => Verdict::of(Finding::IdentityOfNobody, format!("identity {}", identity.sha1)),
            None => Verdict::ok(match &probe.fault {
                Some(fault) => format!("nobody (refused: {fault})"),
                None => "nobody".to_owned(),
            }),
        },
        Reply::Answer(answer) if answer.status == 401 => Verdict::ok(describe(answer)),
        Reply::Answer(answer) if answer.status < 500 => Verdict::of(Finding::CertificateDemanded, describe(answer)),
        Reply::Answer(answer) => Verdict::of(Finding::OtherStatus, describe(answer)),
        other => no_answer(other),
    }
}

/// A certificate arrives as itself.
pub(super) fn certificate(reply: &Reply, own: &Certificate, nature: Option<Nature>, proxy: Option<Proxy>) -> Verdict {
    let too_large = if nature == Some(Nature::Large) { Finding::LargeRefused } else { Finding::TooLarge };
    let not_for_clients = matches!(nature, Some(Nature::Expired | Nature::NotYetValid | Nature::ServerOnly));
    match reply {
        Reply::BrokenOff(how) if not_for_clients && proxy.is_some_and(Proxy::breaks_off_by_nature) => {
            Verdict::of(Finding::KnownLimit, how)
        }
        Reply::BrokenOff(how) => Verdict::of(Finding::BrokenOff, how),
        Reply::Answer(Answer { probe: Some(probe), .. }) => match (&probe.identity, probe.fault.as_deref()) {
            (Some(identity), _) if is(identity, own) => Verdict::ok(match identity.sha256 {
                Some(_) => "its SHA-1 and SHA-256",
                None => "its SHA-1",
            }),
            (Some(identity), _) => Verdict::of(Finding::WrongIdentity, format!("identity {}", identity.sha1)),
            (None, Some("cert_header_too_large")) => Verdict::of(too_large, "cert_header_too_large"),
            (None, Some(fault)) => Verdict::of(Finding::Unreadable, fault),
            (None, None) => Verdict::of(Finding::NotHandedOver, "nobody"),
        },
        Reply::Answer(answer) => {
            let finding = match answer.status {
                413 | 414 | 431 => too_large,
                400 | 500..=599 if nature == Some(Nature::Large) => too_large,
                400 => Finding::Refused400,
                401 | 403 if not_for_clients => Finding::ProxyDecides,
                401 | 403 => Finding::Refused401,
                _ => Finding::OtherStatus,
            };
            Verdict::of(finding, describe(answer))
        }
        other => no_answer(other),
    }
}

/// The same, where the proxy may not speak this version of TLS at all.
pub(super) fn version(reply: &Reply, own: &Certificate, proxy: Option<Proxy>) -> Verdict {
    match reply {
        Reply::BrokenOff(how) if how.contains("protocol_version") || how.contains("in common") => {
            Verdict::of(Finding::VersionOff, how)
        }
        other => certificate(other, own, None, proxy),
    }
}

/// What the client wrote makes no difference, or is refused.
pub(super) fn forgery(reply: &Reply, usual: Usual<'_>, victim: &Certificate) -> Verdict {
    let probe = match reply {
        Reply::Answer(Answer { probe: Some(probe), .. }) => probe,
        Reply::Answer(answer) if answer.status < 500 => return Verdict::ok(format!("refused, {}", describe(answer))),
        Reply::Answer(answer) => return Verdict::of(Finding::OtherStatus, describe(answer)),
        Reply::BrokenOff(how) => return Verdict::ok(format!("refused, {how}")),
        other => return no_answer(other),
    };
    if let Some(identity) = probe.identity {
        if is(&identity, victim) {
            return Verdict::of(Finding::ForgedIdentity, "the forged identity");
        }
        match usual.own {
            None => return Verdict::of(Finding::IdentityOfNobody, format!("identity {}", identity.sha1)),
            Some(own) if !is(&identity, own) => {
                return Verdict::of(Finding::WrongIdentity, format!("identity {}", identity.sha1));
            }
            Some(_) => {}
        }
    }
    arrivals(probe, usual)
}

fn arrivals(probe: &Probe, usual: Usual<'_>) -> Verdict {
    let count = |list: &[Arrived], name: &str| list.iter().find(|one| one.name == name).map_or(0, |one| one.count);
    let more = |arrived: &&Arrived| arrived.count > count(usual.headers, &arrived.name);
    let forged: Vec<&str> = probe.identity_headers.iter().filter(more).map(|one| one.name.as_str()).collect();
    if !forged.is_empty() {
        let folded = forged.iter().all(|name| name.contains('_'));
        let finding = if folded { Finding::UnderscoreHeader } else { Finding::ForgedHeader };
        return Verdict::of(finding, format!("arrived: {}", forged.join(", ")));
    }
    let fewer = |usual: &&Arrived| count(&probe.identity_headers, &usual.name) < usual.count;
    let gone: Vec<&str> = usual.headers.iter().filter(fewer).map(|one| one.name.as_str()).collect();
    if !gone.is_empty() {
        return Verdict::of(Finding::ConnectionOption, format!("gone: {}", gone.join(", ")));
    }
    match (usual.own, probe.identity, &probe.fault) {
        (Some(_), None, Some(fault)) => Verdict::of(Finding::Unreadable, fault),
        (Some(_), None, None) => Verdict::of(Finding::NotHandedOver, "nobody"),
        (Some(_), Some(_), _) => Verdict::ok("its own"),
        (None, ..) => Verdict::ok("nobody"),
    }
}

/// Of so many headers with a token as many arrive, or the request is refused.
pub(super) fn tokens(reply: &Reply, sent: usize) -> Verdict {
    match reply {
        Reply::Answer(Answer { probe: Some(probe), .. }) => match probe.token_headers {
            arrived if arrived == sent => Verdict::ok(format!("{arrived} arrived")),
            0 => Verdict::of(Finding::TokenLost, "none arrived"),
            arrived => Verdict::of(Finding::TokensJoined, format!("{arrived} arrived")),
        },
        Reply::Answer(answer) if answer.status < 500 && sent > 1 => {
            Verdict::ok(format!("refused, {}", describe(answer)))
        }
        Reply::Answer(answer) => Verdict::of(Finding::OtherStatus, describe(answer)),
        other => no_answer(other),
    }
}

/// A session that is taken up again is that of `first`; else the handshake was a whole one, and `shown` counts.
pub(super) fn session(reply: &Reply, resumed: bool, first: &Certificate, shown: Option<&Certificate>) -> Verdict {
    let probe = match reply {
        Reply::Answer(Answer { probe: Some(probe), .. }) => probe,
        Reply::Answer(answer) => return Verdict::ok(format!("refused, {}", describe(answer))),
        Reply::BrokenOff(how) => return Verdict::ok(format!("refused, {how}")),
        other => return no_answer(other),
    };
    let wanted = if resumed { Some(first) } else { shown };
    let how = if resumed { "taken up again" } else { "not taken up again" };
    match (probe.identity, wanted) {
        (None, None) => Verdict::ok(format!("{how}: nobody")),
        (Some(identity), Some(wanted)) if is(&identity, wanted) => {
            Verdict::ok(format!("{how}: {}", if resumed { "the first certificate" } else { "the one shown" }))
        }
        (Some(identity), _) => Verdict::of(Finding::SessionIdentity, format!("{how}: identity {}", identity.sha1)),
        (None, Some(_)) => Verdict::of(Finding::NotHandedOver, format!("{how}: nobody")),
    }
}

/// Of several verdicts on one check the worst, and what was seen for it.
pub(super) fn worst(verdicts: Vec<(&str, Verdict)>) -> Verdict {
    let worst = verdicts.iter().map(|(_, verdict)| verdict.outcome()).max().unwrap_or(Outcome::Ok);
    let mut told: Vec<(&str, Verdict)> = verdicts.into_iter().filter(|(_, one)| one.outcome() == worst).collect();
    told.dedup_by(|(_, one), (_, before)| one.seen == before.seen);
    let finding = told.iter().filter_map(|(_, verdict)| verdict.finding).min();
    let seen = match &told[..] {
        [(_, only)] if worst == Outcome::Ok => only.seen.clone(),
        several => several
            .iter()
            .map(
                |(when, verdict)| {
                    if when.is_empty() { verdict.seen.clone() } else { format!("{when}: {}", verdict.seen) }
                },
            )
            .collect::<Vec<_>>()
            .join("; "),
    };
    Verdict { finding, seen }
}

fn is(identity: &Identity, certificate: &Certificate) -> bool {
    identity.sha1 == certificate.sha1 && identity.sha256.is_none_or(|sha256| sha256 == certificate.sha256)
}

fn describe(answer: &Answer) -> String {
    match &answer.reason {
        Some(reason) => format!("HTTP {} ({reason})", answer.status),
        None => format!("HTTP {}", answer.status),
    }
}

fn no_answer(reply: &Reply) -> Verdict {
    match reply {
        Reply::NoConnection(how) => Verdict::of(Finding::Unreachable, how),
        Reply::ServerNotVerified(how) => Verdict::of(Finding::ServerNotVerified, how),
        Reply::BrokenOff(how) => Verdict::of(Finding::NoTls, how),
        Reply::NotAsked => Verdict::of(Finding::NotTried, "not asked"),
        Reply::Silent | Reply::Answer(_) => Verdict::of(Finding::Silent, "no answer"),
    }
}

#[cfg(test)]
mod tests;
