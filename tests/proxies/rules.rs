//! Rules by method and path behind each proxy: the service never sees a request that the rules did not decide about.

use crate::client::{Answer, Client};
use crate::partner::Partner;
use crate::proxy::Kind;

const RULES: &str = "[verify]\nallow = ['34:*']\n\
    [verify.rule.validation]\npath = '/validation/'\nmethods = ['GET', 'HEAD', 'POST']\nallow = ['34:val']\n\
    [verify.rule.control]\npath = '/validation/control/'\nallow = ['34:ins']\n\
    [verify.rule.inspection]\npath = '/inspection/'\nallow = ['34:ins']\n";

/// Targets that some reader takes for `/validation/...` and another for `/inspection/...` or `/validation/control/...`.
const TRICKS: [&str; 34] = [
    "/validation/../inspection/x",
    "/validation/./../inspection/x",
    "/validation/%2e%2e/inspection/x",
    "/validation/%2E%2E/inspection/x",
    "/validation/.%2e/inspection/x",
    "/validation/..%2finspection/x",
    "/validation/..%2Finspection/x",
    "/validation/%2e%2e%2finspection/x",
    "/validation/..%5cinspection/x",
    "/validation/..\\inspection\\x",
    "/validation/..;/inspection/x",
    "/validation/..;a=b/inspection/x",
    "/validation/;/../inspection/x",
    "/validation/%252e%252e/inspection/x",
    "/validation/%252e%252e%252finspection/x",
    "/validation//control/x",
    "//validation/control/x",
    "/validation/%63ontrol/x",
    "/validation/control%2fx",
    "/validation/./control/x",
    "/validation/x/../control/x",
    "/validation/CONTROL/../control/x",
    "/inspection/x?/validation/",
    "/inspection/x#/validation/",
    "/validation/..",
    "/validation/../",
    "/validation/%2e%2e",
    "/validation%2f..%2finspection/x",
    "/inspection/../validation/../inspection/x",
    "/validation/%00/../../inspection/x",
    "/validation/..%00/inspection/x",
    "/validation/%c0%ae%c0%ae/inspection/x",
    "/./inspection/x",
    "/%69nspection/x",
];

struct Scene {
    partner: Partner,
    validator: String,
    inspector: String,
}

impl Scene {
    fn of(kind: Kind) -> Self {
        let partner = Partner::of(kind, RULES);
        let [validator, inspector] = ["validator37", "inspector5"].map(|name| partner.token(name, name));
        Self { partner, validator, inspector }
    }

    fn ask(&self, who: &str, method: &str, target: &str, more: &str) -> Option<Answer> {
        let token = if who == "validator37" { &self.validator } else { &self.inspector };
        let headers = format!("X-BoB-AuthToken: {token}\r\n{more}");
        self.partner.ask(&Client::example(who), method, target, &headers)
    }
}

fn methods_and_paths(kind: Kind) {
    let scene = Scene::of(kind);
    for (who, method, target, expected) in [
        ("validator37", "GET", "/validation/x", (200, "")),
        ("validator37", "GET", "/validation/x?a=/inspection/", (200, "")),
        ("validator37", "HEAD", "/validation/x", (200, "")),
        ("validator37", "POST", "/validation/x", (200, "")),
        ("validator37", "GET", "/validation/a%20b", (200, "")),
        ("validator37", "DELETE", "/validation/x", (403, "no_rule")),
        ("validator37", "GET", "/validation/control/x", (403, "not_allowed")),
        ("validator37", "GET", "/inspection/x", (403, "not_allowed")),
        ("validator37", "GET", "/", (403, "no_rule")),
        ("validator37", "GET", "/validationx", (403, "no_rule")),
        ("inspector5", "GET", "/validation/x", (403, "not_allowed")),
        ("inspector5", "GET", "/validation/control/x", (200, "")),
        ("inspector5", "DELETE", "/inspection/x", (200, "")),
    ] {
        let more = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
        let answer = scene.ask(who, method, target, more).unwrap();
        assert_eq!(answer.status, expected.0, "{who} {method} {target}: {answer:?}");
        if answer.status == 200 {
            let seen = scene.partner.upstream.taken().remove(0);
            assert_eq!((seen.method.as_str(), seen.target.as_str()), (method, target));
        } else {
            assert_eq!(scene.partner.refusal(&answer).1, expected.1, "{who} {method} {target}");
        }
    }
}

fn tricks(kind: Kind) {
    let scene = Scene::of(kind);
    for trick in TRICKS {
        for target in [trick.to_owned(), format!("http://localhost{trick}")] {
            let answer = scene.ask("validator37", "GET", &target, "");
            let status = answer.as_ref().map_or(0, |answer| answer.status);
            // What does get there is nothing that any reader could take for the inspector's.
            for seen in scene.partner.upstream.taken() {
                let plain = !["..", "%2e", "%2f", "%5c", "%25", "%00", "%6", "//", "control", "inspection", ";", "\\"]
                    .iter()
                    .any(|odd| seen.target.to_lowercase().contains(odd));
                assert!(plain, "{target} became {} ({status})", seen.target);
            }
            assert!([0, 200, 400, 403, 404].contains(&status), "{target}: {answer:?}");
        }
    }
    assert_eq!(scene.ask("validator37", "GET", "/validation/x", "").unwrap().status, 200, "afterwards as before");
}

/// Nobody names another method or path behind the verifier's back.
fn other_names(kind: Kind) {
    let scene = Scene::of(kind);
    for name in
        ["X-Original-URI", "X-Original-Uri", "x_original_uri", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri"]
    {
        let more = format!("{name}: /validation/x\r\n");
        let answer = scene.ask("validator37", "GET", "/inspection/x", &more).unwrap();
        assert_eq!(scene.partner.refusal(&answer), (403, "not_allowed".to_owned()), "{name}");
        let answer = scene.ask("validator37", "GET", "/validation/x", &format!("{name}: /inspection/x\r\n")).unwrap();
        assert_eq!(answer.status, 200, "{name}");
        let seen = scene.partner.upstream.taken().remove(0);
        assert!(name == "X-Forwarded-Uri" || !format!("{seen:?}").contains("inspection"), "{name}: {seen:?}");
    }
    for name in ["X-Original-Method", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let answer = scene.ask("validator37", "DELETE", "/validation/x", &format!("{name}: GET\r\n")).unwrap();
        assert_eq!(scene.partner.refusal(&answer), (403, "no_rule".to_owned()), "{name}");
        let answer = scene.ask("validator37", "GET", "/validation/x", &format!("{name}: DELETE\r\n")).unwrap();
        assert_eq!(answer.status, 200, "{name}");
        let seen = scene.partner.upstream.taken().remove(0);
        assert!(!format!("{seen:?}").contains("DELETE"), "{name}: {seen:?}");
    }
}

macro_rules! behind_each {
    ($($proxy:ident $kind:ident),*) => { $(mod $proxy {
        use crate::proxy::Kind;

        #[test]
        fn the_original_method_and_path_decide() {
            super::methods_and_paths(Kind::$kind);
        }

        #[test]
        fn a_path_that_can_be_read_in_two_ways_does_not_reach_the_service() {
            super::tricks(Kind::$kind);
        }

        #[test]
        fn no_header_makes_it_another_method_or_path() {
            super::other_names(Kind::$kind);
        }
    })* };
}

behind_each!(nginx Nginx, haproxy Haproxy, apache Apache);
