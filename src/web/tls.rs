//! The openssl acceptor of the TLS listeners, and its certificate that can be replaced while it runs.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use actix_tls::accept::openssl::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use arc_swap::ArcSwapOption;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    AlpnError, SslAcceptor, SslAcceptorBuilder, SslContext, SslContextBuilder, SslMethod, SslOptions, SslRef,
    SslVersion, select_next_proto,
};
use openssl::x509::X509;

use super::client_certificate::{ConnectionCertificate, SESSION_CONTEXT, ask_for_certificates, presented};
use super::metrics::ProcessMetrics;
use crate::config::{TlsFiles, TlsVersion, TokenListener};
use crate::crypto::cert::Certificate;
use crate::value::Timestamp;

/// How a listener speaks TLS.
#[derive(Debug, Clone, Copy)]
pub struct TlsSettings {
    /// The oldest version it speaks.
    pub min_version: TlsVersion,
    /// Session tickets per TLS 1.3 handshake.
    pub tickets: u8,
    /// Whether TLS 1.2 sessions may be resumed.
    pub resume_tls12: bool,
    /// Whether client certificates are asked for.
    pub ask_for_certificate: bool,
}

/// Why a listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file}: {source}")]
    Read {
        /// Which.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate file holds no certificate.
    #[error("{file} holds no certificate in PEM")]
    NoCertificate {
        /// Which.
        file: String,
    },
    /// The key file holds no key.
    #[error("{file} holds no private key in PEM that can be read without a passphrase")]
    NoKey {
        /// Which.
        file: String,
    },
    /// Certificate and key do not belong together; a renewal that is half done looks like this.
    #[error("the private key {key} does not belong to the certificate {certificate}")]
    Mismatch {
        /// The certificate file.
        certificate: String,
        /// The key file.
        key: String,
    },
    /// OpenSSL refused.
    #[error("OpenSSL refused the TLS settings: {0}")]
    OpenSsl(#[from] ErrorStack),
}

/// The server's certificate chain and key, as read from their files.
pub struct ServerIdentity {
    chain: Vec<X509>,
    key: PKey<Private>,
    /// When the leaf expires.
    pub not_after: Timestamp,
}

/// The server certificate of a running listener, replaceable for new connections.
#[derive(Default)]
pub struct CurrentIdentity {
    /// `None` as long as it is the one that the acceptor was built with.
    replacement: ArcSwapOption<ContextBox>,
}

/// `SslContext` has no thin pointer of its own.
struct ContextBox(SslContext);

/// In the order of preference, as the HTTP library has them for the context that a listener begins with.
const PROTOCOLS: &[u8] = b"\x02h2\x08http/1.1";

impl ServerIdentity {
    /// Reads chain and key, and checks that they belong together.
    pub fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let name = |path: &Path| path.display().to_string();
        let read = |path: &Path| fs::read(path).map_err(|source| TlsError::Read { file: name(path), source });
        let (certificate, key) = (&files.certificate, &files.private_key);
        let no_certificate = || TlsError::NoCertificate { file: name(certificate) };

        let chain = X509::stack_from_pem(&read(certificate)?).map_err(|_| no_certificate())?;
        let leaf = chain.first().ok_or_else(no_certificate)?;
        let not_after = Certificate::from_der(&leaf.to_der()?).map_err(|_| no_certificate())?.not_after;
        let pem = zeroize::Zeroizing::new(read(key)?);
        // The empty passphrase keeps OpenSSL from asking the terminal for one.
        let pkey = PKey::private_key_from_pem_passphrase(&pem, b"").map_err(|_| TlsError::NoKey { file: name(key) })?;
        if !leaf.public_key()?.public_eq(&pkey) {
            return Err(TlsError::Mismatch { certificate: name(certificate), key: name(key) });
        }
        Ok(Self { chain, key: pkey, not_after })
    }

    fn install(&self, context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        let (leaf, rest) = self.chain.split_first().ok_or_else(ErrorStack::get)?;
        context.set_certificate(leaf)?;
        for certificate in rest {
            context.add_extra_chain_cert(certificate.clone())?;
        }
        context.set_private_key(&self.key)
    }
}

impl CurrentIdentity {
    /// From now on new connections see this certificate; those that are open keep theirs.
    pub fn replace(&self, identity: &ServerIdentity) -> Result<(), TlsError> {
        let mut builder = SslContextBuilder::new(SslMethod::tls_server())?;
        builder.set_session_id_context(SESSION_CONTEXT)?;
        // OpenSSL asks the context that a connection was moved to, and without this there would be no HTTP/2 any more.
        builder.set_alpn_select_callback(|_, offered| select_next_proto(PROTOCOLS, offered).ok_or(AlpnError::NOACK));
        identity.install(&mut builder)?;
        self.replacement.store(Some(Arc::new(ContextBox(builder.build()))));
        Ok(())
    }

    fn apply(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        match &*self.replacement.load() {
            Some(context) => ssl.set_ssl_context(&context.0),
            None => Ok(()),
        }
    }
}

impl TlsSettings {
    /// Of the listener behind a proxy: the proxy is known by its address or secret, not by a certificate.
    pub const fn behind_proxy() -> Self {
        Self { min_version: TlsVersion::Tls12, tickets: 0, resume_tls12: true, ask_for_certificate: false }
    }
}

impl From<&TokenListener> for TlsSettings {
    fn from(listener: &TokenListener) -> Self {
        Self {
            min_version: listener.min_tls,
            tickets: listener.session_tickets,
            resume_tls12: listener.session_resumption_tls12,
            ask_for_certificate: true,
        }
    }
}

/// Builds the acceptor of a listener. `current` may replace the certificate later.
pub fn acceptor(
    settings: TlsSettings,
    identity: &ServerIdentity,
    current: &Arc<CurrentIdentity>,
    metrics: &Arc<ProcessMetrics>,
) -> Result<SslAcceptorBuilder, TlsError> {
    // TLS 1.2 with forward secrecy and AEAD, and TLS 1.3: Mozilla's "intermediate", version 5.
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_min_proto_version(Some(match settings.min_version {
        TlsVersion::Tls12 => SslVersion::TLS1_2,
        TlsVersion::Tls13 => SslVersion::TLS1_3,
    }))?;
    builder.set_options(SslOptions::NO_RENEGOTIATION | SslOptions::CIPHER_SERVER_PREFERENCE);
    identity.install(&mut builder)?;
    set_groups(&mut builder)?;
    set_sessions(&mut builder, settings)?;
    if settings.ask_for_certificate {
        ask_for_certificates(&mut builder)?;
    }
    let (current, metrics) = (Arc::clone(current), Arc::clone(metrics));
    // Called once per handshake, also when the client names no server.
    builder.set_servername_callback(move |ssl, _alert| {
        metrics.handshake_started();
        if let Err(error) = current.apply(ssl) {
            tracing::error!(%error, "the renewed server certificate could not be used for a connection");
        }
        Ok(())
    });
    Ok(builder)
}

fn set_sessions(builder: &mut SslContextBuilder, settings: TlsSettings) -> Result<(), ErrorStack> {
    builder.set_session_id_context(SESSION_CONTEXT)?;
    builder.set_session_cache_mode(openssl::ssl::SslSessionCacheMode::OFF);
    set_tickets(builder, settings.tickets)?;
    if !settings.resume_tls12 && settings.tickets == 0 {
        builder.set_options(SslOptions::NO_TICKET);
    }
    Ok(())
}

/// In TLS 1.2 these are also the curves of client keys (RFC 8422 section 5.1): after those that keys are agreed on with come
/// those that an old device's certificate may be on.
#[cfg(not(feature = "aws-lc"))]
fn set_groups(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    builder.set_groups_list(
        "X25519:P-256:P-384:X448:P-521:secp224r1:secp256k1:brainpoolP256r1:brainpoolP384r1:brainpoolP512r1",
    )
}

/// AWS-LC has its own, and only those.
#[cfg(feature = "aws-lc")]
#[expect(clippy::unnecessary_wraps, reason = "on OpenSSL it can fail")]
fn set_groups(_: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    Ok(())
}

#[cfg(not(feature = "aws-lc"))]
fn set_tickets(builder: &mut SslContextBuilder, tickets: u8) -> Result<(), ErrorStack> {
    builder.set_num_tickets(usize::from(tickets))
}

/// The openssl crate offers no number of tickets on AWS-LC: none, of TLS 1.2 neither, or AWS-LC's own two.
#[cfg(feature = "aws-lc")]
#[expect(clippy::unnecessary_wraps, reason = "on OpenSSL it can fail")]
fn set_tickets(builder: &mut SslContextBuilder, tickets: u8) -> Result<(), ErrorStack> {
    if tickets == 0 {
        builder.set_options(SslOptions::NO_TICKET);
    }
    Ok(())
}

/// Counts a fresh connection and reads its client certificate.
pub(super) fn on_connect(stream: &TlsStream<TcpStream>, extensions: &mut Extensions, metrics: &ProcessMetrics) {
    let ssl = stream.ssl();
    metrics.handshake_completed(ssl.version_str(), ssl.session_reused());
    extensions.insert(ConnectionCertificate(presented(ssl)));
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerIdentity({} certificates, until {})", self.chain.len(), self.not_after)
    }
}

impl fmt::Debug for CurrentIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CurrentIdentity(replaced: {})", self.replacement.load().is_some())
    }
}
