//! The guard inside an app of actix-web: where it may stand, what stands behind what, and what is refused. The requests come
//! from a proxy on this machine, without a network; real connections are in `partner`.

#![cfg(test)]
#![cfg(feature = "actix")]

mod issuer;

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpResponse, web};
use bob_auth::value::{Clock, Timestamp};
use bob_auth::web::guard::{BobAuth, Caller, Mode, class, pid};
use issuer::{FINGERPRINT, Issuer, clock};
use serde_json::Value;

fn run<F: Future>(future: F) -> F::Output {
    actix_web::rt::System::new().block_on(future)
}

async fn who(caller: Caller) -> String {
    let fingerprint = caller.fingerprint().unwrap();
    format!("{} {} {} {fingerprint}", caller.pid(), caller.entity(), caller.class())
}

async fn perhaps(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "nobody".to_owned(), |caller| caller.entity().to_string())
}

/// As the proxy sends it for the client whom tokens are bound to.
fn get(path: &str) -> TestRequest {
    TestRequest::get()
        .uri(path)
        .peer_addr(([127, 0, 0, 1], 4711).into())
        .insert_header(("X-SSL-Client-SHA1", FINGERPRINT))
}

fn with_token(path: &str, token: &str) -> TestRequest {
    get(path).insert_header(("X-BoB-AuthToken", token))
}

/// Answers one request of an app.
macro_rules! ask {
    ($app:expr, $request:expr) => {
        run(async {
            let app = init_service($app).await;
            call_service(&app, $request.to_request()).await.map_into_boxed_body()
        })
    };
}

/// The status and the reason of a refusal; checks that it says no more.
fn refusal(response: ServiceResponse) -> (u16, String) {
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").unwrap(), "application/problem+json");
    assert_eq!(header("cache-control").unwrap(), "no-store");
    let (status, challenge) = (response.status().as_u16(), header("www-authenticate"));
    let names = response.headers().len();
    let body: Value = serde_json::from_slice(&run(read_body(response))).unwrap();
    let reason = body["reason"].as_str().unwrap().to_owned();
    let expected = format!("BoB error=\"invalid_token\", reason=\"{reason}\"");
    assert_eq!(challenge, (status == 401).then_some(expected));
    assert_eq!(names, if status == 401 { 3 } else { 2 });
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["detail", "reason", "status", "title", "type"]);
    assert!(body["type"].as_str().unwrap().starts_with("urn:bob-auth:problem:"));
    (status, reason)
}

fn text(response: ServiceResponse) -> String {
    assert_eq!(response.status(), 200);
    String::from_utf8(run(read_body(response)).to_vec()).unwrap()
}

#[test]
fn a_guard_stands_before_a_route_a_resource_a_scope_or_an_app() {
    let issuer = Issuer::new();
    let guard = issuer.guard();
    let app = || {
        App::new()
            .route("/route", web::get().to(who).wrap(guard.clone()))
            .service(web::resource("/resource").wrap(guard.clone()).route(web::get().to(who)))
            .service(web::scope("/scope").wrap(guard.clone()).route("/x", web::get().to(who)))
    };
    let token = issuer.token("val");
    let expected = format!("1 validator37 val {FINGERPRINT}");
    for path in ["/route", "/resource", "/scope/x"] {
        assert_eq!(text(ask!(app(), with_token(path, &token))), expected, "{path}");
        assert_eq!(refusal(ask!(app(), get(path))), (401, "no_token".to_owned()), "{path}");
    }
    let app = || App::new().wrap(guard.clone()).route("/x", web::get().to(who));
    assert_eq!(text(ask!(app(), with_token("/x", &token))), expected);
    // Whoever has no token does not learn which paths there are.
    assert_eq!(refusal(ask!(app(), get("/elsewhere"))), (401, "no_token".to_owned()));
    assert_eq!(ask!(app(), with_token("/elsewhere", &token)).status(), 404);
}

#[test]
fn a_token_stands_there_once_and_is_one() {
    let issuer = Issuer::new();
    let app = || App::new().wrap(issuer.guard()).route("/", web::get().to(who));
    let token = issuer.token("val");
    let twice = with_token("/", &token).append_header(("X-BoB-AuthToken", token.as_str()));
    assert_eq!(refusal(ask!(app(), twice)), (401, "duplicate_token".to_owned()));
    let other = Issuer::new().token("val");
    let long = "a".repeat(10_000);
    let inspector = issuer.token("ins");
    let spliced = format!("{}.{}", &token[..token.rfind('.').unwrap()], inspector.rsplit('.').next().unwrap());
    for (value, reason) in [
        ("", "no_token"),
        ("a.b.ü", "token_not_ascii"),
        (&format!("Bearer {token}"), "token_base64url"),
        (&format!("{token}, {token}"), "token_parts"),
        (&spliced, "bad_signature"),
        (&other, "bad_signature"),
        (&long, "token_too_long"),
    ] {
        assert_eq!(refusal(ask!(app(), with_token("/", value))), (401, reason.to_owned()), "{value}");
    }
}

#[test]
fn only_a_trusted_peer_is_believed_and_each_header_once() {
    let issuer = Issuer::new();
    let app = || App::new().wrap(issuer.guard()).route("/", web::get().to(who));
    let token = issuer.token("val");
    let from = |address: [u8; 4]| with_token("/", &token).peer_addr((address, 4711).into());
    assert_eq!(ask!(app(), from([127, 0, 0, 1])).status(), 200);
    assert_eq!(refusal(ask!(app(), from([127, 0, 0, 2]))), (401, "untrusted_peer".to_owned()));
    // Without an address it came by a Unix socket, which nobody said would be trusted.
    let socket = TestRequest::get().insert_header(("X-SSL-Client-SHA1", FINGERPRINT));
    assert_eq!(refusal(ask!(app(), socket.insert_header(("X-BoB-AuthToken", token.as_str())))).1, "untrusted_peer");

    let twice = with_token("/", &token).append_header(("X-SSL-Client-SHA1", FINGERPRINT));
    assert_eq!(refusal(ask!(app(), twice)), (401, "duplicate_header".to_owned()));
    let valued = |value: &str| with_token("/", &token).insert_header(("X-SSL-Client-SHA1", value));
    assert_eq!(ask!(app(), valued(&FINGERPRINT.to_uppercase())).status(), 200);
    assert_eq!(refusal(ask!(app(), valued(""))), (401, "nothing_presented".to_owned()));
    assert_eq!(refusal(ask!(app(), valued("(null)"))), (401, "cert_header_placeholder".to_owned()));
    assert_eq!(refusal(ask!(app(), valued(&FINGERPRINT.replace('0', "1")))), (401, "holder_mismatch".to_owned()));
}

#[test]
fn a_route_lets_those_pass_whom_one_of_its_requirements_names() {
    let issuer = Issuer::new();
    let app = |guard: BobAuth| App::new().route("/", web::get().to(who).wrap(guard));
    let cases = [
        (issuer.guard(), true),
        (issuer.guard().require(class("val")), true),
        (issuer.guard().require(class("VAL")), false),
        (issuer.guard().require(class("ins")), false),
        (issuer.guard().require(class("ins")).require(class("val")), true),
        (issuer.guard().require(class("val").from(pid(1))), true),
        (issuer.guard().require(class("val").from(pid(2))), false),
        (issuer.guard().require(pid(1)), true),
        (issuer.guard().require(class("val").from(pid(2))).require(class("ins").from(pid(1))), false),
    ];
    for (guard, passes) in cases {
        let told = format!("{guard:?}");
        let response = ask!(app(guard), with_token("/", &issuer.token("val")));
        if passes {
            assert_eq!(response.status(), 200, "{told}");
        } else {
            assert_eq!(refusal(response), (403, "not_allowed".to_owned()), "{told}");
        }
    }
}

/// Counts how often it is asked: once per verification.
#[derive(Clone)]
struct Counting(Arc<AtomicUsize>);

impl Clock for Counting {
    fn now(&self) -> Timestamp {
        self.0.fetch_add(1, Ordering::Relaxed);
        clock(0).now()
    }
}

#[test]
fn guards_one_behind_another_all_count_and_verify_once() {
    let issuer = Issuer::new();
    let verifications = Arc::new(AtomicUsize::new(0));
    let guard = issuer.guard().clock(Counting(Arc::clone(&verifications)));
    let app = || {
        let inner = web::scope("/inner")
            .wrap(guard.clone().require(class("val")).require(class("ins")))
            .route("/ins", web::get().to(who).wrap(guard.clone().require(class("ins"))))
            .route("/all", web::get().to(who));
        App::new().wrap(guard.clone().require(pid(1))).service(inner).route("/outer", web::get().to(who))
    };
    let status = |path, class: &str| ask!(app(), with_token(path, &issuer.token(class))).status().as_u16();
    for (path, class, expected) in [
        ("/inner/ins", "ins", 200),
        ("/inner/ins", "val", 403),
        ("/inner/all", "val", 200),
        ("/inner/all", "tvm", 403),
        ("/outer", "tvm", 200),
    ] {
        let before = verifications.load(Ordering::Relaxed);
        assert_eq!(status(path, class), expected, "{path} {class}");
        assert_eq!(verifications.load(Ordering::Relaxed), before + 1, "{path} {class}");
    }
}

#[test]
fn a_guard_with_another_verifier_does_not_take_the_word_of_the_one_before_it() {
    let (ours, theirs) = (Issuer::new(), Issuer::new());
    let app = || App::new().wrap(ours.guard()).route("/", web::get().to(who).wrap(theirs.guard()));
    assert_eq!(refusal(ask!(app(), with_token("/", &ours.token("val")))), (401, "bad_signature".to_owned()));
    assert_eq!(refusal(ask!(app(), with_token("/", &theirs.token("val")))), (401, "bad_signature".to_owned()));
}

#[test]
fn a_token_counts_until_it_expires_by_the_clock_that_was_given() {
    let issuer = Issuer::new();
    let app = |seconds| App::new().wrap(issuer.guard().clock(clock(seconds))).route("/", web::get().to(who));
    let ask = |seconds| ask!(app(seconds), with_token("/", &issuer.token("val")));
    assert_eq!(ask(3659).status(), 200, "a minute is granted");
    assert_eq!(refusal(ask(3660)), (401, "expired".to_owned()));
    assert_eq!(ask(-60).status(), 200);
    assert_eq!(refusal(ask(-61)), (401, "not_yet_valid".to_owned()));
}

#[test]
fn a_handler_that_asks_for_a_caller_without_a_guard_is_a_mistake_and_no_pass() {
    let issuer = Issuer::new();
    let app = || App::new().route("/", web::get().to(who)).route("/perhaps", web::get().to(perhaps));
    let response = ask!(app(), with_token("/", &issuer.token("val")));
    assert_eq!(response.status(), 500);
    let body: Value = serde_json::from_slice(&run(read_body(response))).unwrap();
    assert_eq!(body["type"], "urn:bob-auth:problem:not-guarded");
    assert_eq!(text(ask!(app(), with_token("/perhaps", &issuer.token("val")))), "nobody");
}

#[test]
fn a_server_that_was_not_told_to_read_certificates_lets_nobody_in_and_says_so() {
    let issuer = Issuer::new();
    let seen = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&seen);
    let guard = BobAuth::for_connections(issuer.verifier())
        .clock(clock(0))
        .on_denial(move |denial, _| *told.lock().unwrap() = denial.to_string());
    let app = || App::new().wrap(guard.clone()).route("/", web::get().to(who));
    let response = ask!(app(), with_token("/", &issuer.token("val")));
    assert_eq!(refusal(response), (401, "connection_not_read".to_owned()));
    assert!(seen.lock().unwrap().contains("HttpServer::on_connect"));
}

#[test]
fn in_shadow_mode_everybody_passes_without_a_caller_and_every_objection_is_told() {
    let issuer = Issuer::new();
    let objections = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&objections);
    let guard = issuer.guard().require(class("ins")).shadow(true).on_denial(move |denial, mode| {
        assert_eq!(mode, Mode::Shadow);
        told.lock().unwrap().push(denial.reason());
    });
    let app = || {
        let routes = App::new().route("/perhaps", web::get().to(perhaps)).route("/who", web::get().to(who));
        routes.wrap(guard.clone())
    };
    assert_eq!(text(ask!(app(), with_token("/perhaps", &issuer.token("ins")))), "validator37");
    assert_eq!(text(ask!(app(), get("/perhaps"))), "nobody");
    assert_eq!(text(ask!(app(), with_token("/perhaps", &issuer.token("val")))), "nobody");
    let untrusted = with_token("/perhaps", &issuer.token("ins")).peer_addr(([10, 0, 0, 1], 1).into());
    assert_eq!(text(ask!(app(), untrusted)), "nobody");
    assert_eq!(*objections.lock().unwrap(), ["no_token", "not_allowed", "untrusted_peer"]);
    // A handler that cannot do without a caller is not run without one, whatever the mode.
    assert_eq!(refusal(ask!(app(), get("/who"))), (401, "no_token".to_owned()));
    assert_eq!(refusal(ask!(app(), with_token("/who", &issuer.token("val")))), (403, "not_allowed".to_owned()));
}

#[test]
fn shadow_and_enforcing_guards_do_not_speak_for_each_other() {
    let issuer = Issuer::new();
    let shadow = issuer.guard().require(class("ins")).shadow(true);
    // A shadow outside opens nothing inside.
    let app = || App::new().wrap(shadow.clone()).route("/", web::get().to(perhaps).wrap(shadow.clone().shadow(false)));
    assert_eq!(refusal(ask!(app(), get("/"))), (401, "no_token".to_owned()));
    assert_eq!(refusal(ask!(app(), with_token("/", &issuer.token("val")))), (403, "not_allowed".to_owned()));
    assert_eq!(text(ask!(app(), with_token("/", &issuer.token("ins")))), "validator37");
    // A shadow inside takes the caller away from whom it objects to.
    let app = || App::new().wrap(issuer.guard()).route("/", web::get().to(perhaps).wrap(shadow.clone()));
    assert_eq!(refusal(ask!(app(), get("/"))), (401, "no_token".to_owned()));
    assert_eq!(text(ask!(app(), with_token("/", &issuer.token("val")))), "nobody");
    assert_eq!(text(ask!(app(), with_token("/", &issuer.token("ins")))), "validator37");
}

/// A body that comes piece by piece, and nobody knows how long it will be.
struct Pieces(std::array::IntoIter<&'static str, 2>);

impl MessageBody for Pieces {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Poll::Ready(self.0.next().map(|piece| Ok(web::Bytes::from_static(piece.as_bytes()))))
    }
}

#[test]
fn a_streaming_body_passes_through_as_it_is() {
    async fn stream() -> HttpResponse {
        HttpResponse::Ok().body(Pieces(["one", "two"].into_iter()))
    }
    let issuer = Issuer::new();
    let app = || App::new().wrap(issuer.guard()).route("/", web::get().to(stream));
    let response = ask!(app(), with_token("/", &issuer.token("val")));
    assert!(matches!(response.response().body().size(), BodySize::Stream));
    assert_eq!(text(response), "onetwo");
}

#[test]
fn a_connection_may_change_its_protocol_behind_a_guard() {
    async fn upgrade(_: Caller) -> HttpResponse {
        HttpResponse::SwitchingProtocols().upgrade("websocket").body(Pieces(["one", "two"].into_iter()))
    }
    let issuer = Issuer::new();
    let app = || App::new().wrap(issuer.guard()).route("/", web::get().to(upgrade));
    let request = |token: &str| {
        with_token("/", token).insert_header(("Connection", "upgrade")).insert_header(("Upgrade", "websocket"))
    };
    let response = ask!(app(), request(&issuer.token("val")));
    assert_eq!(response.status(), 101);
    assert!(response.response().head().upgrade());
    assert_eq!(refusal(ask!(app(), request("a.b.c"))).0, 401);
}

#[test]
fn a_server_with_a_mistake_in_a_requirement_does_not_start_and_does_not_panic() {
    let issuer = Issuer::new();
    for mistake in [class("v al"), class(""), class("val").from(pid(0)), pid(-1).into()] {
        let guard = issuer.guard().require(class("val")).require(mistake);
        assert!(guard.check().is_err());
        let app = move || App::new().route("/", web::get().to(who).wrap(guard.clone()));
        let ended = run(async {
            let server = actix_web::HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
            actix_web::rt::time::timeout(std::time::Duration::from_secs(20), server.run()).await
        });
        assert!(ended.expect("the server does not run on").is_err());
    }
    assert_eq!(issuer.guard().require(class("val").from(pid(1))).check(), Ok(()));
}

#[test]
fn nothing_that_a_guard_tells_of_itself_holds_a_token() {
    let issuer = Issuer::new();
    let token = issuer.token("val");
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let guard = issuer.guard().on_denial(move |denial, _| log.lock().unwrap().push(format!("{denial} {denial:?}")));
    let guard_debug = format!("{guard:?}");
    let app = || App::new().wrap(guard.clone()).route("/", web::get().to(who));
    for bad in [format!("{token}x"), token.replace('.', ","), format!("{token}.{token}")] {
        assert_eq!(refusal(ask!(app(), with_token("/", &bad))).0, 401);
    }
    let told = format!("{:?}{guard_debug}", told.lock().unwrap());
    for part in token.split('.') {
        assert!(!told.contains(&part[..16]), "{told}");
    }
}
