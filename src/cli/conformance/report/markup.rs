//! Text of strangers in XML and HTML.

use crate::cli::output::printable;

/// Text or a quoted attribute. What has a meaning there is written as a reference, what XML 1.0 does not let stand at all is
/// written out (control characters), or left out (the two that are no characters).
pub(super) fn escaped(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    let mut out = String::with_capacity(text.len());
    for c in lines.join("\n").chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}
