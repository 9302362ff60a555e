//! [`PartnerApi`]: a service of participant 2 in the manner of BoB's Validation API, with the library's guard before its routes,
//! on a thread of its own. `examples/partner_api.rs` is the same for people to copy from.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod};
use serde::Deserialize;
use serde_json::json;

use super::failure::Failure;
use super::federation::{FIRST, LEEWAY};
use crate::flow::verify::{Allowed, Verifier};
use crate::flow::verify_live::LiveVerifier;
use crate::key_source::{KeySource, MetadataKeeping};
use crate::protocol::metadata::{Environment, TrustAnchors};
use crate::value::{SystemClock, TrustedPeers};
use crate::web::client_certificate::{ask_for_certificates, read_certificate};
use crate::web::guard::{BobAuth, Caller, class};
use crate::web::identity::ProxyIdentity;

/// It ends with this value.
pub(super) struct PartnerApi {
    pub(super) address: SocketAddr,
    /// Its keys, fresh from the registry's set.
    pub(super) keys: Arc<KeySource>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// What it needs.
#[derive(Debug, Clone)]
pub(super) struct Needs {
    pub(super) registry: Registry,
    /// Certificate and key where TLS ends here; without them a proxy on this machine says who is calling.
    pub(super) tls: Option<(PathBuf, PathBuf)>,
    /// Where the last good set is kept.
    pub(super) cache: PathBuf,
}

/// A registry, and whom to believe.
#[derive(Debug, Clone)]
pub(super) struct Registry {
    /// The URL of the set.
    pub(super) set: String,
    pub(super) ca: Option<Vec<u8>>,
    pub(super) trust: Vec<u8>,
}

/// The header in which the proxy says whose certificate it saw.
pub(super) const FINGERPRINT_HEADER: &str = "X-SSL-Client-SHA1";

type Started = (SocketAddr, Arc<KeySource>, ServerHandle);

impl PartnerApi {
    /// Starts it on a free port of this machine.
    pub(super) async fn start(needs: Needs) -> Result<Self, Failure> {
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || run(needs, &tell));
        // It says once how it began: soon, since nobody lets it wait.
        let started = loop {
            match told.try_recv() {
                Ok(started) => break started?,
                Err(mpsc::TryRecvError::Empty) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(mpsc::TryRecvError::Disconnected) => return Err(Failure::new("the partner API ended at once")),
            }
        };
        let (address, keys, handle) = started;
        Ok(Self { address, keys, handle, thread: Some(thread) })
    }
}

impl Drop for PartnerApi {
    fn drop(&mut self) {
        // The end is begun by the call; whoever waits for it may do so, and here a thread does.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The keys of everybody in this registry's set, and nobody else's.
pub(super) async fn keys_from(registry: Registry, cache: Option<PathBuf>) -> Result<Arc<KeySource>, Failure> {
    let anchors = TrustAnchors::parse(&registry.trust, Environment::Production)?;
    let keeping = MetadataKeeping { file: cache, refresh: Some(Duration::from_secs(1)), ..MetadataKeeping::default() };
    let source = KeySource::builder().metadata_url(registry.set, registry.ca, anchors, keeping);
    let source = source.cool_down(Duration::from_secs(1)).timeout(Duration::from_secs(5));
    Ok(source.build(Arc::new(SystemClock), std::process::id().into()).await?)
}

fn run(needs: Needs, tell: &mpsc::Sender<Result<Started, Failure>>) {
    actix_web::rt::System::new().block_on(async {
        let served = match serve(needs).await {
            Ok((server, address, keys)) => {
                // Nobody hears it if the demo ends meanwhile; then the server ends with it.
                let _ = tell.send(Ok((address, keys, server.handle())));
                server.await.map_err(Failure::from)
            }
            Err(failure) => Err(failure),
        };
        if let Err(failure) = served {
            let _ = tell.send(Err(failure));
        }
    });
}

async fn serve(needs: Needs) -> Result<(actix_web::dev::Server, SocketAddr, Arc<KeySource>), Failure> {
    let source = keys_from(needs.registry, Some(needs.cache)).await?;
    actix_web::rt::spawn(Arc::clone(&source).run());
    let first = Allowed::issuer(FIRST.pid()?);
    let verifier = Verifier::builder(source.keys()).allow(first).leeway(LEEWAY).build()?;
    let verifier = LiveVerifier::new(verifier, Arc::clone(&source))?;
    let guard = if needs.tls.is_some() {
        BobAuth::for_connections(verifier)
    } else {
        let local: TrustedPeers = "127.0.0.1".parse()?;
        let proxy = ProxyIdentity::builder().trust(local).fingerprint_header(FINGERPRINT_HEADER);
        BobAuth::behind_proxy(verifier, proxy.build()?)
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = HttpServer::new(move || App::new().configure(|config| routes(config, &guard)))
        .on_connect(read_certificate)
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals();
    let server = match &needs.tls {
        Some(files) => server.listen_openssl(listener, acceptor(files)?)?,
        None => server.listen(listener)?,
    };
    Ok((server.run(), address, source))
}

fn acceptor((certificate, key): &(PathBuf, PathBuf)) -> Result<SslAcceptorBuilder, Failure> {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    acceptor.set_certificate_chain_file(certificate)?;
    acceptor.set_private_key_file(key, SslFiletype::PEM)?;
    ask_for_certificates(&mut acceptor)?;
    Ok(acceptor)
}

/// Everybody with a token may look; only validators may validate.
fn routes(config: &mut web::ServiceConfig, guard: &BobAuth) {
    let validators = guard.clone().require(class("val"));
    let validations = web::resource("/validations").wrap(validators).route(web::post().to(validate));
    let scope = web::scope("/validation/v1").wrap(guard.clone()).route("/status", web::get().to(status));
    config.service(scope.service(validations));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ticket {
    ticket_id: String,
}

async fn status(caller: Caller) -> impl Responder {
    HttpResponse::Ok().json(json!({ "status": "open", "caller": {
        "pid": caller.pid(), "entityId": caller.entity().as_str(), "class": caller.class().as_str(),
        "expires": caller.expires().to_string(),
    }}))
}

async fn validate(caller: Caller, ticket: web::Json<Ticket>) -> impl Responder {
    HttpResponse::Created().json(json!({
        "ticketId": ticket.ticket_id,
        "validatedBy": { "pid": caller.pid(), "entityId": caller.entity().as_str() },
    }))
}
