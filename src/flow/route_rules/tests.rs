//! Which rule decides, and the many spellings of a path that none does.

use proptest::prelude::*;

use super::*;

fn rule(name: &str, path: &str, methods: &[&str]) -> Rule {
    let methods = methods.iter().map(|method| (*method).into()).collect();
    Rule::new(name, path, methods, vec!["1:val".parse().unwrap()]).unwrap()
}

fn rules() -> RouteRules {
    RouteRules::new(vec![
        rule("all", "/", &["GET"]),
        rule("validation", "/validation/", &[]),
        rule("reading", "/validation/tickets", &["GET", "HEAD"]),
        rule("writing", "/validation/tickets", &["POST"]),
        rule("accents", "/resa/ö", &[]),
    ])
    .unwrap()
}

fn decide<'r>(rules: &'r RouteRules, method: &str, target: &str) -> Result<&'r str, RouteRefusal> {
    rules.rule_for(OriginalRequest { method, target: target.as_bytes() }).map(Rule::name)
}

fn fault(target: &[u8]) -> PathFault {
    match rules().rule_for(OriginalRequest { method: "GET", target }) {
        Err(RouteRefusal::PathMalformed(fault)) => fault,
        other => panic!("{}: {other:?}", String::from_utf8_lossy(target)),
    }
}

#[test]
fn the_longest_path_decides_at_the_boundary_of_a_segment() {
    let rules = rules();
    for (method, target, wanted) in [
        ("GET", "/", "all"),
        ("GET", "/other", "all"),
        ("GET", "/validationx", "all"),
        ("GET", "/Other", "all"),
        ("DELETE", "/validation", "validation"),
        ("GET", "/validation/", "validation"),
        ("GET", "/validation/ticketsx", "validation"),
        ("GET", "/validation/tickets?x=/../&y=%2f", "reading"),
        ("HEAD", "/validation/tickets/37/", "reading"),
        ("POST", "/validation/tickets", "writing"),
        ("GET", "/%76alidation/tickets", "reading"),
        ("GET", "/validation%20x", "all"),
        ("PUT", "/resa/%C3%B6/x", "accents"),
        ("PUT", "/resa/ö", "accents"),
        ("GET", "/a.b/..c/...d/.well-known", "all"),
    ] {
        assert_eq!(decide(&rules, method, target), Ok(wanted), "{method} {target}");
    }
}

#[test]
fn a_method_that_the_longest_path_does_not_name_falls_back_to_no_shorter_one() {
    let rules = rules();
    for (method, target) in
        [("DELETE", "/validation/tickets"), ("get", "/validation/tickets"), ("POST", "/"), ("", "/"), ("GET ", "/")]
    {
        assert_eq!(decide(&rules, method, target), Err(RouteRefusal::NoRule), "{method} {target}");
    }
    let narrow = RouteRules::new(vec![rule("only", "/validation", &[])]).unwrap();
    assert_eq!(decide(&narrow, "GET", "/"), Err(RouteRefusal::NoRule));
    assert_eq!(decide(&narrow, "GET", "/valid"), Err(RouteRefusal::NoRule));
}

#[test]
fn a_path_that_readers_could_dispute_is_refused() {
    use PathFault::*;
    let cases: &[(&str, PathFault)] = &[
        ("", NotAbsolute),
        ("*", NotAbsolute),
        ("?/validation", NotAbsolute),
        ("validation/", NotAbsolute),
        ("http://localhost/validation", NotAbsolute),
        ("%2fvalidation", NotAbsolute),
        ("//validation", EmptySegment),
        ("/validation//tickets", EmptySegment),
        ("/validation//", EmptySegment),
        ("/validation/../admin", Dots),
        ("/validation/..", Dots),
        ("/./validation", Dots),
        ("/validation/.", Dots),
        ("/validation/%2e%2e/admin", Dots),
        ("/validation/.%2E/admin", Dots),
        ("/validation/%2e/admin", Dots),
        ("/validation/..;/admin", Dots),
        ("/validation/..;a=b/admin", Dots),
        ("/validation/.%2e;a=b/admin", Dots),
        ("/validation/%2e%2e%3ba/admin", Dots),
        ("/validation/..%20/admin", Dots),
        ("/validation/.../admin", Dots),
        ("/validation/. ./admin", Character),
        ("/validation\\admin", Character),
        ("/validation/..\\admin", Character),
        ("/validation#/admin", Character),
        ("/validation /admin", Character),
        ("/validation\0", Character),
        ("/validation\r\nx: y", Character),
        ("/validation?a\nb", Character),
        ("/validation\x7f", Character),
        ("/validation/\u{ff0e}\u{ff0e}/admin", Character),
        ("/validation/%EF%BC%8E./admin", Character),
        ("/validation%E2%80%A5", Character),
        ("/validation/%C2%85", Character),
        ("/validation%2fadmin", EscapedSeparator),
        ("/validation%2Fadmin", EscapedSeparator),
        ("/validation%5cadmin", EscapedSeparator),
        ("/validation%00", EscapedSeparator),
        ("/validation%0d%0a", EscapedSeparator),
        ("/validation%7f", EscapedSeparator),
        ("/validation%", Escape),
        ("/validation%2", Escape),
        ("/validation%zz", Escape),
        ("/validation%+2f", Escape),
        ("/validation/%u002e", Escape),
        ("/validation/%252e%252e/admin", EscapedTwice),
        ("/validation%252fadmin", EscapedTwice),
        ("/validation%25%32%66admin", EscapedTwice),
        ("/validation/%c0%ae%c0%ae/admin", Encoding),
        ("/validation/%ff", Encoding),
    ];
    for (target, wanted) in cases {
        assert_eq!(fault(target.as_bytes()), *wanted, "{target:?}");
    }
    assert_eq!(fault(b"/validation/\xff"), Encoding);
}

#[test]
fn parameters_are_harmless_until_they_decide() {
    let rules = rules();
    assert_eq!(decide(&rules, "GET", "/validation/x;v=1/y"), Ok("validation"));
    assert_eq!(decide(&rules, "GET", "/other;v=1"), Ok("all"));
    for target in [
        "/validation;x/tickets",
        "/validation%3bx",
        "/validation/tickets;jsessionid=1",
        "/;a/validation",
        "/;/validation",
    ] {
        assert_eq!(fault(target.as_bytes()), PathFault::Parameters, "{target}");
    }
}

#[test]
fn a_rule_is_not_got_round_by_a_spelling_that_a_careless_back_end_takes_for_its_path() {
    let rules = rules();
    for target in [
        "/Validation",
        "/VALIDATION/x",
        "/validation.",
        "/validation%20",
        "/validation.%20./x",
        "/validation%3f",
        "/validation%3Fx/y",
        "/validation%23x",
        "/validation.;a",
        "/validation/Tickets",
        "/%56alidation",
    ] {
        assert_eq!(fault(target.as_bytes()), PathFault::Habits, "{target}");
    }
    for (target, wanted) in
        [("/other%3fvalidation", "all"), ("/validation/x%23", "validation"), ("/validation/X.", "validation")]
    {
        assert_eq!(decide(&rules, "GET", target), Ok(wanted));
    }
    // Who has rules for both spellings knows that they differ.
    let both = RouteRules::new(vec![rule("small", "/api", &[]), rule("large", "/API", &[])]).unwrap();
    assert_eq!((decide(&both, "GET", "/api"), decide(&both, "GET", "/API/x")), (Ok("small"), Ok("large")));
}

#[test]
fn rules_about_the_same_thing_and_paths_that_fit_nothing_are_faults() {
    let conflict = |first: &[&str], second: &[&str]| {
        RouteRules::new(vec![rule("a", "/x/", first), rule("b", "/x", second)]).is_err_and(|c| &*c.second == "b")
    };
    assert!(conflict(&[], &[]) && conflict(&["GET"], &[]) && conflict(&["GET", "PUT"], &["PUT"]));
    assert!(!conflict(&["GET"], &["PUT"]));
    for path in ["", "x", "/a//b", "/a/../b", "/%61", "/a?b", "/a;b", "/a\\b", "/a\n", "/a#"] {
        assert!(Rule::new("a", path, Vec::new(), Vec::new()).is_err(), "{path:?}");
    }
}

#[test]
fn every_refusal_has_its_id() {
    let refusals = [
        RouteRefusal::OriginalRequestMissing,
        RouteRefusal::PathMalformed(PathFault::Dots),
        RouteRefusal::NoRule,
        RouteRefusal::NotAllowed { rule: "a".into() },
    ];
    assert_eq!(refusals.map(|refusal| refusal.reason()), RouteRefusal::KINDS);
}

/// Puts the segments together as a careless reader does: decoded until nothing changes, cut off at `?` and `#`, backslashes
/// as slashes, dots followed, in lower case and without dots at the end.
fn careless(target: &str) -> Vec<String> {
    let mut path = target.split('?').next().unwrap().to_owned();
    loop {
        let decoded = percent_encoding::percent_decode_str(&path).decode_utf8_lossy().into_owned();
        if decoded == path {
            break;
        }
        path = decoded;
    }
    path.truncate(path.find(['?', '#']).unwrap_or(path.len()));
    let mut walked: Vec<String> = Vec::new();
    for segment in path.replace('\\', "/").to_lowercase().split('/') {
        match segment.split(';').next().unwrap() {
            ".." => drop(walked.pop()),
            name => match name.trim_end_matches(['.', ' ']) {
                "" => {}
                name => walked.push(name.to_owned()),
            },
        }
    }
    walked
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(method in "\\PC{0,8}", target in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = rules().rule_for(OriginalRequest { method: &method, target: &target });
    }

    #[test]
    fn a_careless_reader_finds_himself_where_the_rule_says(
        target in "/(validation|tickets|x|\\.|\\.\\.|%2e|%2E\\.|%252e|;|;a=b|/|%2f|%5c|\\\\|\\?|%61|Validation|%3f|%23|%20|\\.x){0,9}"
    ) {
        let rules = rules();
        if let Ok(rule) = rules.rule_for(OriginalRequest { method: "GET", target: target.as_bytes() }) {
            let walked = careless(&target);
            let walked: Vec<&str> = walked.iter().map(String::as_str).collect();
            let wanted = rules.iter().find(|rule| rule.covers(&walked) && rule.has("GET")).map(Rule::name);
            prop_assert_eq!(Some(rule.name()), wanted);
        }
    }

    #[test]
    fn ordinary_paths_are_taken(segments in prop::collection::vec("[a-z0-9_~-][a-z0-9._~-]{0,8}", 0..5), slash in any::<bool>()) {
        let target = format!("/{}{}", segments.join("/"), if slash && !segments.is_empty() { "/" } else { "" });
        prop_assert!(OriginalPath::parse(target.as_bytes()).is_ok());
    }
}
