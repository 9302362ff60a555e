//! A partner's service in the manner of BoB's Validation API, guarded by bob-auth: whoever calls has a token of a participant
//! that is named here, and the certificate that the token is bound to.
//!
//! | route | for |
//! |---|---|
//! | `GET /validation/v1/status` | everybody with a token |
//! | `POST /validation/v1/validations` | validators (`val`) |
//! | `POST /inspection/v1/inspections` | inspectors (`ins`) |
//!
//! To try it, make a participant with a validator, and a token service for them:
//!
//! ```sh
//! bob-auth init demo --pid 34 && cd demo
//! bob-auth entity add validator37 --class val
//! bob-auth cert issue validator37
//! bob-auth key export --jwks > partner.jwks.json    # the public keys, as a partner gets them
//! bob-auth serve &
//! ```
//!
//! Then this service, for clients that connect to it themselves, and a call:
//!
//! ```sh
//! partner_api --keys 34=partner.jwks.json --certificate tls/server.pem --private-key tls/server.key &
//! device="--cacert tls/ca.pem --cert validator37.pem --key validator37.key"
//! token=$(curl -s $device https://127.0.0.1:8443/api/v1/auth/validator37 | jq -r .jwtCompact)
//! curl $device -H "X-BoB-AuthToken: $token" https://127.0.0.1:9000/validation/v1/status
//! ```
//!
//! Behind a proxy that ends TLS and hands over the certificate's fingerprint:
//!
//! ```sh
//! partner_api --keys 34=partner.jwks.json --trust 127.0.0.1 --fingerprint-header X-SSL-Client-SHA1
//! ```

use std::error::Error;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use bob_auth::flow::verify::{Allowed, Verifier};
use bob_auth::flow::verify_live::LiveVerifier;
use bob_auth::key_source::KeySource;
use bob_auth::value::{Pid, SystemClock, TrustedPeers};
use bob_auth::web::client_certificate::{ask_for_certificates, read_certificate};
use bob_auth::web::guard::{BobAuth, Caller, class};
use bob_auth::web::identity::ProxyIdentity;
use openssl::error::ErrorStack;
use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslFiletype, SslMethod};
use serde::Deserialize;
use serde_json::json;

const USAGE: &str = "\
usage: partner_api --keys PID=FILE (--certificate FILE --private-key FILE | --trust NETWORK HEADERS) [OPTIONS]

  --keys PID=FILE                    a participant whose tokens are accepted, and its public keys (JWK set); repeatable
  --certificate, --private-key FILE  TLS ends here, and clients show their certificates here (PEM)
  --trust NETWORK                    TLS ends at a proxy at this address, network or \"unix\"; repeatable. HEADERS are:
  --fingerprint-header NAME            where the proxy writes the SHA-1 fingerprint of the client's certificate
  --certificate-header NAME=DIALECT    where it writes the certificate: url-pem, base64-der, rfc9440 or xfcc
  --listen ADDRESS                   127.0.0.1:9000 unless said; port 0 lets the system choose
  --leeway SECONDS                   how far clocks may be apart; 60 unless said
";

type Failure = Box<dyn Error>;

/// The routes, and who may ask for what. A guard stands before everything; two routes ask for more.
fn routes(config: &mut web::ServiceConfig, guard: &BobAuth) {
    let validations =
        web::resource("/validations").wrap(guard.clone().require(class("val"))).route(web::post().to(validate));
    config
        .service(
            web::scope("/validation/v1")
                .wrap(guard.clone())
                .route("/status", web::get().to(status))
                .service(validations),
        )
        .service(
            web::scope("/inspection/v1")
                .wrap(guard.clone().require(class("ins")))
                .route("/inspections", web::post().to(inspect)),
        );
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ticket {
    ticket_id: String,
}

async fn status(caller: Caller) -> impl Responder {
    HttpResponse::Ok().json(json!({
        "status": "open",
        "caller": {
            "pid": caller.pid(),
            "entityId": caller.entity().as_str(),
            "class": caller.class().as_str(),
            "fingerprint": caller.fingerprint().map(|fingerprint| fingerprint.to_string()),
            "expires": caller.expires().to_string(),
        },
    }))
}

async fn validate(caller: Caller, ticket: web::Json<Ticket>) -> impl Responder {
    HttpResponse::Created().json(json!({
        "ticketId": ticket.ticket_id,
        "validatedBy": { "pid": caller.pid(), "entityId": caller.entity().as_str() },
    }))
}

async fn inspect(caller: Caller, ticket: web::Json<Ticket>) -> impl Responder {
    HttpResponse::Ok().json(json!({
        "ticketId": ticket.ticket_id,
        "inspectedBy": { "pid": caller.pid(), "entityId": caller.entity().as_str() },
    }))
}

async fn serve(options: Options) -> Result<(), Failure> {
    // The keys of our partners, read again when their files change.
    let mut source = KeySource::builder();
    for (pid, file) in &options.keys {
        source = source.jwks_file(*pid, file);
    }
    let source = source.build(Arc::new(SystemClock), std::process::id().into()).await?;
    actix_web::rt::spawn(Arc::clone(&source).run());

    // Whom we let in at all. Routes may ask for more.
    let mut verifier = Verifier::builder(source.keys()).leeway(options.leeway);
    for (pid, _) in &options.keys {
        verifier = verifier.allow(Allowed::issuer(*pid));
    }
    let verifier = LiveVerifier::new(verifier.build()?, source)?;

    let guard = match options.proxy()? {
        Some(proxy) => BobAuth::behind_proxy(verifier, proxy),
        None => BobAuth::for_connections(verifier),
    };
    let server = HttpServer::new(move || App::new().configure(|config| routes(config, &guard)))
        .on_connect(read_certificate)
        .workers(2)
        .shutdown_timeout(10); // SIGTERM lets requests under way end

    let listener = TcpListener::bind(&options.listen)?;
    let address = listener.local_addr()?;
    let (server, scheme) = match options.tls()? {
        Some(acceptor) => (server.listen_openssl(listener, acceptor)?, "https"),
        None => (server.listen_auto_h2c(listener)?, "http"),
    };
    writeln!(io::stdout(), "listening on {scheme}://{address}")?;
    Ok(server.run().await?)
}

struct Options {
    listen: String,
    keys: Vec<(Pid, String)>,
    certificate: Option<String>,
    private_key: Option<String>,
    trust: TrustedPeers,
    fingerprint_header: Option<String>,
    certificate_header: Option<String>,
    leeway: u32,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            listen: "127.0.0.1:9000".to_owned(),
            keys: Vec::new(),
            certificate: None,
            private_key: None,
            trust: TrustedPeers::nobody(),
            fingerprint_header: None,
            certificate_header: None,
            leeway: 60,
        };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} wants a value\n\n{USAGE}"))?;
            match flag.as_str() {
                "--listen" => options.listen = value,
                "--keys" => {
                    let (pid, file) = value.split_once('=').ok_or("--keys wants PID=FILE")?;
                    options.keys.push((pid.parse()?, file.to_owned()));
                }
                "--certificate" => options.certificate = Some(value),
                "--private-key" => options.private_key = Some(value),
                "--trust" => options.trust = options.trust.and(value.parse()?),
                "--fingerprint-header" => options.fingerprint_header = Some(value),
                "--certificate-header" => options.certificate_header = Some(value),
                "--leeway" => options.leeway = value.parse()?,
                _ => return Err(format!("there is no {flag}\n\n{USAGE}").into()),
            }
        }
        if options.trust == TrustedPeers::nobody() && options.certificate.is_none() {
            return Err(format!("where do clients show their certificates?\n\n{USAGE}").into());
        }
        if options.certificate.is_some() != options.private_key.is_some() {
            return Err(format!("--certificate and --private-key go together\n\n{USAGE}").into());
        }
        Ok(options)
    }

    /// What the proxy says, if there is one.
    fn proxy(&self) -> Result<Option<ProxyIdentity>, Failure> {
        if self.trust == TrustedPeers::nobody() {
            return Ok(None);
        }
        let mut proxy = ProxyIdentity::builder().trust(self.trust.clone());
        if let Some(name) = &self.fingerprint_header {
            proxy = proxy.fingerprint_header(name);
        }
        if let Some(header) = &self.certificate_header {
            let (name, dialect) = header.split_once('=').ok_or("--certificate-header wants NAME=DIALECT")?;
            proxy = proxy.certificate_header(name, dialect.parse()?);
        }
        Ok(Some(proxy.build()?))
    }

    /// Our own TLS, if it ends here: every client is asked for a certificate, and any is taken.
    fn tls(&self) -> Result<Option<SslAcceptorBuilder>, ErrorStack> {
        let (Some(certificate), Some(private_key)) = (&self.certificate, &self.private_key) else { return Ok(None) };
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_certificate_chain_file(certificate)?;
        acceptor.set_private_key_file(private_key, SslFiletype::PEM)?;
        acceptor.check_private_key()?;
        ask_for_certificates(&mut acceptor)?;
        Ok(Some(acceptor))
    }
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).init();
    let served = Options::read(std::env::args().skip(1))
        .and_then(|options| actix_web::rt::System::new().block_on(serve(options)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "partner_api: {error}");
            ExitCode::FAILURE
        }
    }
}
