//! The clients: they keep their token, renew it, wait when they are told to, and say what the matter is.

use std::fs;

use rustix::process::Signal;

use crate::client::{Answer, Client};
use crate::language::Language;
use crate::process::{Service, until};
use crate::running::{Call, Run};
use crate::scene::Scene;
use crate::site::{Site, example_file};
use crate::upstream::Upstream;

impl Scene {
    /// This entity with this certificate calls the partner.
    fn call<'a>(&'a self, certificate: &'a str, entity: &'a str) -> Call<'a> {
        Call {
            site: &self.site,
            certificate,
            ca: self.site.file("tls/ca.pem").to_str().unwrap().to_owned(),
            auth_url: self.auth_url(),
            entity,
            partner_url: self.partner_url(),
        }
    }
}

/// Asked once for three calls; near its end asked again.
fn kept_and_renewed(language: Language) {
    let upstream = Upstream::start();
    let scene = Scene::new("", upstream.address);
    let call = scene.call("validator37", "validator37");
    let run = call.run(language, &["--times", "3"]);
    assert_eq!((run.code, run.out.as_str()), (0, "200 seen\n200 seen\n200 seen\n"), "{run:?}");
    assert_eq!(scene.site.reasons(1), ["issued"]);
    let seen = upstream.taken();
    assert_eq!(seen.len(), 3);
    for request in &seen {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/validation/v1/status"));
        for (name, value) in [("x-bob-pid", "34"), ("x-bob-entity", "validator37"), ("x-bob-class", "val")] {
            assert_eq!(request.values(name), [value], "{request:?}");
        }
        assert_eq!(request.values("x-bob-authtoken"), seen[0].values("x-bob-authtoken"));
        run.assert_silent_about(request.values("x-bob-authtoken")[0]);
    }

    // A token lives for an hour: two hours before its end is always now.
    let run = call.run(language, &["--times", "2", "--early", "7200"]);
    assert_eq!((run.code, run.out.as_str()), (0, "200 seen\n200 seen\n"), "{run:?}");
    assert_eq!(scene.site.reasons(3), ["issued"; 3]);
}

/// Refusals of either side, and what is wrong with the question.
fn refused(language: Language) {
    let upstream = Upstream::start();
    let scene = Scene::new("", upstream.address);

    // The thief is an inspector who found the token of validator37.
    let token = scene.token("validator37");
    let stolen = scene.site.path("stolen");
    fs::write(&stolen, &token).unwrap();
    let run = scene.call("inspector5", "inspector5").run(language, &["--token", stolen.to_str().unwrap()]);
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.err.contains("the partner refused: 401") && run.err.contains("(holder_mismatch)"), "{run:?}");
    run.assert_silent_about(&token);
    assert!(upstream.taken().is_empty(), "the service saw a stolen token");

    scene.site.run(&["entity", "suspend", "validator37"]);
    until("the suspension counts", || {
        let answer = Client::example("validator37").token(scene.tokens.token(), "validator37");
        (answer.status == 404).then_some(())
    });
    let before = scene.tokens.metric("bob_auth_refusals_total{reason=\"suspended_entity\"}");
    let run = scene.call("validator37", "validator37").run(language, &[]);
    assert_eq!((run.code, run.out.as_str()), (3, ""), "{run:?}");
    assert!(run.err.contains("no token: 404 No such entity"), "{run:?}");
    let asked = scene.tokens.metric("bob_auth_refusals_total{reason=\"suspended_entity\"}") - before;
    assert!((asked - 1.0).abs() < 0.1, "it asked {asked} times, though no is no");

    let ca = example_file("impostors/other-ca");
    let run = Call { ca, ..scene.call("inspector5", "inspector5") }.run(language, &[]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
    assert!(run.err.contains("the server's certificate is not trusted"), "{run:?}");

    let run = Run::of(&mut language.client());
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    assert!(run.err.contains("usage: ") && run.err.contains("AUTH_URL ENTITY PARTNER_URL"), "{run:?}");
    let partner_url = scene.partner_url().replace("https", "http");
    let run = Call { partner_url, ..scene.call("inspector5", "inspector5") }.run(language, &[]);
    assert_eq!(run.code, 2, "a token over plain HTTP: {run:?}");
}

/// Told to wait it waits so long; told to wait for an hour it does not.
fn slowed_down(language: Language) {
    let upstream = Upstream::start();
    let limits = "[limits]\nrequests_per_fingerprint = '6/m'\nburst_per_fingerprint = 1";
    let scene = Scene::new(limits, upstream.address);
    let call = scene.call("validator37", "validator37");
    let run = call.run(language, &["--times", "2", "--early", "7200"]);
    assert_eq!((run.code, run.out.as_str()), (0, "200 seen\n200 seen\n"), "{run:?}");
    assert_eq!(scene.site.reasons(3), ["issued", "fingerprint_rate", "issued"]);
    assert!(run.err.contains("429 Too many requests; waiting"), "{run:?}");

    // Another one, with an RSA key, who may ask once an hour: the token that is there serves.
    scene.site.configure("[limits]\nrequests_per_fingerprint = '1/h'");
    scene.tokens.signal(Signal::HUP);
    until("the limit counts", || {
        let once = || Client::example("inspector5").token(scene.tokens.token(), "inspector5");
        let waits = |answer: &Answer| answer.header("retry-after").and_then(|wait| wait.parse::<u32>().ok());
        (0..2).find_map(|_| waits(&once())).filter(|wait| *wait > 60)
    });
    let call = scene.call("rsa-tvm8", "tvm8");
    let run = call.run(language, &["--times", "2", "--early", "7200"]);
    assert_eq!((run.code, run.out.as_str()), (0, "200 seen\n200 seen\n"), "{run:?}");
    assert!(run.err.contains("no new token: 429 Too many requests; the old one counts"), "{run:?}");
    let _ = fs::remove_file(scene.site.path("rsa-tvm8.token"));
    let run = call.run(language, &[]);
    assert_eq!((run.code, run.out.as_str()), (3, ""), "{run:?}");
    assert!(run.err.contains("no token: 429 Too many requests"), "{run:?}");
}

/// A service that cannot sign is asked three times.
fn unavailable(language: Language) {
    let site = Site::new();
    site.run(&["participant", "add", "74", "--name", "Other"]);
    site.run(&["entity", "add", "gate", "--class", "val", "--pid", "74"]);
    site.run(&["cert", "enrol", "gate", &example_file("validator37"), "--pid", "74"]);
    site.configure("default_participant = 74");
    let service = Service::start(&site);
    let call = Call {
        site: &site,
        certificate: "validator37",
        ca: site.file("tls/ca.pem").to_str().unwrap().to_owned(),
        auth_url: format!("https://{}", service.token()),
        entity: "gate",
        partner_url: "https://127.0.0.1:9/".to_owned(),
    };
    let run = call.run(language, &[]);
    assert_eq!((run.code, run.out.as_str()), (3, ""), "{run:?}");
    assert!(run.err.contains("no token: 503 Tokens cannot be issued at the moment"), "{run:?}");
    assert_eq!(site.reasons(3), ["no_active_key"; 3]);
}

/// The file that the shell keeps its token in is nobody else's, holds a token whole, and is not believed when it is nonsense.
#[test]
fn the_cache_of_the_shell_outlives_it_and_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    if !Language::Curl.is_here() {
        return;
    }
    let upstream = Upstream::start();
    let scene = Scene::new("", upstream.address);
    let call = scene.call("validator37", "validator37");
    let cache = scene.site.path("validator37.token");
    for _ in 0..2 {
        assert_eq!(call.run(Language::Curl, &[]).code, 0);
    }
    assert_eq!(scene.site.reasons(1), ["issued"], "the second run asked again");
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = fs::read_to_string(&cache).unwrap();
    // Somebody else's token in the cache: refused, and replaced by one of our own.
    let foreign = kept.replace(kept.split(' ').nth(2).unwrap().trim_end(), &scene.token("inspector5"));
    for nonsense in [foreign, String::new(), "x y z\n".to_owned(), "9999999999 99999999999 a.b.c\n".to_owned()] {
        fs::write(&cache, &nonsense).unwrap();
        let run = call.run(Language::Curl, &[]);
        assert_eq!((run.code, run.out.as_str()), (0, "200 seen\n"), "{nonsense:?} {run:?}");
    }
    let left: Vec<_> = fs::read_dir(cache.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".token.")), "{left:?}");
}

macro_rules! in_each {
    ($($module:ident $language:ident),*) => { $(mod $module {
        use crate::language::Language;

        #[test]
        fn a_token_is_kept_for_all_calls_and_renewed_before_its_end() {
            if Language::$language.is_here() {
                super::kept_and_renewed(Language::$language);
            }
        }

        #[test]
        fn who_is_refused_learns_by_whom_and_why() {
            if Language::$language.is_here() {
                super::refused(Language::$language);
            }
        }

        #[test]
        fn who_asks_too_often_waits_as_long_as_he_is_told_but_no_hour() {
            if Language::$language.is_here() {
                super::slowed_down(Language::$language);
            }
        }

        #[test]
        fn a_service_that_cannot_sign_is_asked_again_but_not_for_ever() {
            if Language::$language.is_here() {
                super::unavailable(Language::$language);
            }
        }
    })* };
}

in_each!(curl Curl, python Python, node Node, java Java);
