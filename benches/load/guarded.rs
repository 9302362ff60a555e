//! A partner's service to be measured: an empty route, and the same behind the guard, with and without a memory for tokens.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, web};
use bob_auth::flow::verify::{Allowed, CacheSize, Verifier};
use bob_auth::flow::verify_live::LiveVerifier;
use bob_auth::key_source::CurrentKeys;
use bob_auth::protocol::jwk::JwkSet;
use bob_auth::protocol::key_set::KeySet;
use bob_auth::value::Pid;
use bob_auth::web::client_certificate::{ask_for_certificates, read_certificate};
use bob_auth::web::guard::{BobAuth, class};
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};

/// The argument before the directory, by which this program becomes that service.
pub(crate) const ROLE: &str = "serve-guarded";

/// Serves what is in this directory until it is ended; says its address on standard output.
pub(crate) fn serve(directory: &Path) {
    actix_web::rt::System::new().block_on(run(directory)).expect("it serves");
}

async fn run(directory: &Path) -> std::io::Result<()> {
    let jwks = fs::read(directory.join("jwks.json"))?;
    let guard = |cache: Option<CacheSize>| {
        let mut keys = KeySet::new();
        let pid = Pid::new(34).expect("a pid");
        keys.add(pid, JwkSet::parse(&jwks).expect("a key set").keys).expect("keys");
        let keys = Arc::new(CurrentKeys::new(keys).expect("keys"));
        let verifier = Verifier::builder(keys).allow(Allowed::issuer(pid)).cache(cache).build().expect("a verifier");
        BobAuth::for_connections(LiveVerifier::fixed(verifier)).require(class("val"))
    };
    let (cached, uncached) = (guard(Some(CacheSize::default())), guard(None));
    let mut tls = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    tls.set_certificate_chain_file(directory.join("server.pem"))?;
    tls.set_private_key_file(directory.join("server.key"), SslFiletype::PEM)?;
    ask_for_certificates(&mut tls)?;
    let app = move || {
        let empty = || web::get().to(async || HttpResponse::Ok());
        App::new()
            .route("/empty", empty())
            .service(web::resource("/cached").wrap(cached.clone()).route(empty()))
            .service(web::resource("/uncached").wrap(uncached.clone()).route(empty()))
    };
    let server = HttpServer::new(app)
        .on_connect(read_certificate)
        .workers(1)
        .tcp_nodelay(true)
        .bind_openssl("127.0.0.1:0", tls)?;
    writeln!(std::io::stdout(), "{}", server.addrs()[0])?;
    server.run().await
}
