//! [`Reply`]: what came back for one request, from a refused connection to an [`Answer`] in HTTP.

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Reply {
    /// Nobody listens there.
    NoConnection(String),
    /// The certificate of the server itself does not verify.
    ServerNotVerified(String),
    /// The server broke off, in the handshake or behind it.
    BrokenOff(String),
    /// Nothing, for as long as was waited.
    Silent,
    /// An answer in HTTP.
    Answer(Answer),
}

/// An answer in HTTP/1.1, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::cli) struct Answer {
    pub(in crate::cli) status: u16,
    /// Names and values in their order; names as they were spelt.
    pub(in crate::cli) fields: Vec<(String, String)>,
    /// The body, chunks joined, still in its content coding.
    pub(in crate::cli) body: Vec<u8>,
    /// It ended where its framing says that it ends.
    pub(in crate::cli) complete: bool,
}

/// What stands before a body, and where the body begins.
struct Head {
    status: u16,
    fields: Vec<(String, String)>,
    end: usize,
}

impl Answer {
    /// The answer in these bytes, if nothing more of it is to come.
    pub(super) fn whole(bytes: &[u8]) -> Option<Self> {
        let head = Head::read(bytes)?;
        let body = bytes.get(head.end..)?;
        let body = if matches!(head.status, 204 | 304) {
            Vec::new()
        } else if head.field("transfer-encoding").is_some() {
            // Chunks are read once only: when their end may be there.
            if !body.ends_with(b"0\r\n\r\n") {
                return None;
            }
            let (body, complete) = joined(body);
            complete.then_some(body)?
        } else {
            let length = head.field("content-length")?.parse().ok()?;
            body.get(..length)?.to_vec()
        };
        Some(head.with(body, true))
    }

    /// The answer in these bytes, now that the connection has ended.
    pub(super) fn cut(bytes: &[u8]) -> Option<Self> {
        let head = Head::read(bytes)?;
        let body = bytes.get(head.end..).unwrap_or_default();
        if head.field("transfer-encoding").is_some() {
            let (body, complete) = joined(body);
            return Some(head.with(body, complete));
        }
        // Without a length the end of the connection is the end of the answer.
        let complete = head.field("content-length").is_none();
        Some(head.with(body.to_vec(), complete))
    }

    /// An answer as a test needs one.
    #[cfg(test)]
    pub(in crate::cli) fn sample(status: u16, fields: &[(&str, &str)], body: &str) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { status, fields, body: body.as_bytes().to_vec(), complete: true }
    }

    /// The first field of this name.
    pub(in crate::cli) fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

impl Head {
    /// The head of the final answer: those of interim ones are passed over.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut start = 0;
        loop {
            let rest = bytes.get(start..)?;
            let end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
            let text = String::from_utf8_lossy(rest.get(..end)?);
            let mut lines = text.split("\r\n");
            let status = lines.next().filter(|line| line.starts_with("HTTP/"))?.split(' ').nth(1)?;
            let status = status.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or_default();
            start += end + 4;
            if !(100..200).contains(&status) {
                let fields = lines.filter_map(|line| line.split_once(':'));
                let fields = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
                return Some(Self { status, fields, end: start });
            }
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }

    fn with(self, body: Vec<u8>, complete: bool) -> Answer {
        Answer { status: self.status, fields: self.fields, body, complete }
    }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The chunks of a body as one, and whether the last of them is there.
fn joined(mut chunked: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = chunked.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&chunked[..end]).ok().map(|line| line.split(';').next().unwrap_or(line).trim());
        let Some(size) = size.and_then(|size| usize::from_str_radix(size, 16).ok()) else { break };
        if size == 0 {
            return (body, true);
        }
        let rest = chunked.get(end + 2..).unwrap_or_default();
        let Some(chunk) = rest.get(..size) else { break };
        body.extend_from_slice(chunk);
        chunked = rest.get(size..).and_then(|rest| rest.get(2..)).unwrap_or_default();
    }
    (body, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_at_its_end_in_either_framing_and_not_a_byte_before() {
        let length = "HTTP/1.1 200 OK\r\nServer: nginx/1\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = "HTTP/1.1 200 OK\r\nserver: nginx/1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n";
        let interim = format!("HTTP/1.1 103 Early Hints\r\nServer: other\r\n\r\n{length}");
        for text in [length, chunked, &interim] {
            assert_eq!(Answer::whole(&text.as_bytes()[..text.len() - 1]), None);
            let answer = Answer::whole(text.as_bytes()).unwrap();
            assert_eq!((answer.status, answer.field("SERVER"), &*answer.body), (200, Some("nginx/1"), &b"hello"[..]));
            assert!(answer.complete);
        }
    }

    #[test]
    fn an_answer_without_a_length_ends_with_its_connection() {
        let text = b"HTTP/1.0 400 Bad request\r\nX-BoB-Reason: a\r\n\r\n<html>";
        assert_eq!(Answer::whole(text), None);
        let answer = Answer::cut(text).unwrap();
        assert_eq!((answer.status, answer.field("x-bob-reason"), answer.complete), (400, Some("a"), true));
        assert_eq!(Answer::cut(b"SSH-2.0\r\n\r\n"), None);
    }

    #[test]
    fn an_answer_that_was_cut_says_so() {
        for text in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n9\r\nx",
        ] {
            let answer = Answer::cut(text).unwrap();
            assert_eq!((answer.complete, &*answer.body), (false, &b"hello"[..]));
        }
    }

    #[test]
    fn what_has_no_body_ends_with_its_head() {
        let answer = Answer::whole(b"HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\n\r\n").unwrap();
        assert_eq!((answer.status, answer.field("etag"), answer.body.len()), (304, Some("\"7\""), 0));
    }

    #[test]
    fn sizes_that_fit_in_no_memory_are_no_panic() {
        let huge = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx0\r\n\r\n";
        assert_eq!(Answer::whole(huge), None);
        assert!(!Answer::cut(huge).unwrap().complete);
        let long = b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nx";
        assert_eq!(Answer::whole(long), None);
        let odd = b"HTTP/1.1\r\n\r\n";
        assert_eq!(Answer::whole(odd), None);
    }
}
