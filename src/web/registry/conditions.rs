//! `If-Match` and `If-None-Match` (RFC 9110 section 13.1).

use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::flow::register::{Etag, IfMatch};

/// A header that is not written as it should be, or more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MalformedCondition;

/// What the thing must still be, if the request says so.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>, MalformedCondition> {
    let Some(text) = only(headers, &IF_MATCH)? else { return Ok(None) };
    if text.trim() == "*" {
        return Ok(Some(IfMatch::Any));
    }
    let tags = tags(text)?;
    // A weak validator never matches strongly.
    let strong = tags.into_iter().filter(|tag| !tag.is_weak).map(|tag| Etag::new(tag.text)).collect();
    Ok(Some(IfMatch::OneOf(strong)))
}

/// Whether the reader has one of these already. What is not understood is no condition: then it is sent again.
pub(super) fn has_one_of(headers: &HeaderMap, current: &[&str]) -> bool {
    headers.get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok()).any(|text| {
        text.trim() == "*" || tags(text).is_ok_and(|tags| tags.iter().any(|tag| current.contains(&tag.text)))
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Tag<'t> {
    text: &'t str,
    is_weak: bool,
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, MalformedCondition> {
    let mut values = headers.get_all(name);
    let first = values.next().map(|value| value.to_str().map_err(|_| MalformedCondition)).transpose()?;
    if values.next().is_some() { Err(MalformedCondition) } else { Ok(first) }
}

/// `"a", W/"b"`: a comma may stand inside the quotation marks.
fn tags(text: &str) -> Result<Vec<Tag<'_>>, MalformedCondition> {
    let mut tags = Vec::new();
    let mut rest = text.trim();
    loop {
        let (is_weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
        let (tag, after) =
            quoted.strip_prefix('"').and_then(|inner| inner.split_once('"')).ok_or(MalformedCondition)?;
        tags.push(Tag { text: tag, is_weak });
        let after = after.trim_start();
        if after.is_empty() {
            return Ok(tags);
        }
        rest = after.strip_prefix(',').ok_or(MalformedCondition)?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn matched(values: &[&str]) -> Result<Option<IfMatch>, MalformedCondition> {
        if_match(&headers(&IF_MATCH, values))
    }

    #[test]
    fn the_forms_of_if_match_are_read() {
        assert_eq!(matched(&[]), Ok(None));
        assert_eq!(matched(&["*"]), Ok(Some(IfMatch::Any)));
        assert_eq!(matched(&["\"a,b\" , \"c\""]), Ok(Some(IfMatch::OneOf(vec![Etag::new("a,b"), Etag::new("c")]))));
        assert_eq!(matched(&["W/\"a\""]), Ok(Some(IfMatch::OneOf(Vec::new()))), "weak ones match nothing");
    }

    #[test]
    fn another_form_or_two_of_them_is_refused() {
        for values in [&["a"][..], &["\"a\" \"b\""], &["\"a"], &[""], &["\"a\","], &["\"a\"", "\"a\""], &["*, \"a\""]] {
            assert_eq!(matched(values), Err(MalformedCondition), "{values:?}");
        }
    }

    #[test]
    fn a_reader_who_has_the_set_in_either_form_has_it() {
        let has = |values: &[&str]| has_one_of(&headers(&IF_NONE_MATCH, values), &["5-x", "5-x-gzip"]);
        assert!(has(&["\"5-x\""]) && has(&["W/\"5-x-gzip\""]) && has(&["\"4-x\", \"5-x\""]) && has(&["*"]));
        assert!(has(&["\"4-x\"", "\"5-x\""]));
        assert!(!has(&[]) && !has(&["\"4-x\""]) && !has(&["5-x"]));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[ -~]{0,40}|[W/\",* a]{0,12}") {
            let _ = matched(&[&text]).is_ok();
            let _ = has_one_of(&headers(&IF_NONE_MATCH, &[&text]), &["a"]);
        }
    }
}
