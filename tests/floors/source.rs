//! Reads what a Rust file mentions. A tokeniser and a path reader, no parser: enough for imports, blind to macros' insides.

use std::collections::BTreeMap;

/// The parts of a module's path below the crate root.
pub(crate) type ModulePath = Vec<String>;

/// A word or a sign of the code, with its line. `::` is one sign.
#[derive(Clone)]
pub(crate) struct Token {
    text: String,
    line: usize,
}

/// A path that the code mentions, made absolute.
pub(crate) struct Mention {
    pub(crate) to: ModulePath,
    pub(crate) line: usize,
    /// The name that it brings into the module, if it is in a `use`.
    pub(crate) name: Option<String>,
    /// Whether that name is passed on (`pub use`).
    pub(crate) public: bool,
}

/// The code of `text` without comments, strings and characters.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let word = |c: &char| c.is_alphanumeric() || *c == '_';
        let end = skip(&chars, at).unwrap_or(at);
        let (end, token) = if end > at {
            (end, None)
        } else if word(&chars[at]) {
            let length = chars[at..].iter().take_while(|c| word(c)).count();
            (at + length, Some(chars[at..at + length].iter().collect()))
        } else if chars[at..].starts_with(&[':', ':']) {
            (at + 2, Some("::".to_owned()))
        } else {
            (at + 1, Some(chars[at].to_string()).filter(|sign| !sign.trim().is_empty()))
        };
        tokens.extend(token.map(|text| Token { text, line }));
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

/// Where the comment, string or character ends that begins at `at`.
fn skip(chars: &[char], at: usize) -> Option<usize> {
    let rest = &chars[at..];
    let until = |from: usize, end: &[char]| {
        (from..rest.len()).find(|&i| rest[i..].starts_with(end)).map_or(chars.len(), |i| at + i + end.len())
    };
    let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match rest {
        ['/', '/', ..] => Some(until(2, &['\n'])),
        ['/', '*', ..] => {
            let mut depth = 0;
            let end = (0..rest.len()).find(|&i| {
                depth += i32::from(rest[i..].starts_with(&['/', '*']));
                depth -= i32::from(i > 1 && rest[i - 1..].starts_with(&['*', '/']));
                depth == 0
            });
            Some(end.map_or(chars.len(), |i| at + i + 1))
        }
        ['r', next, ..] | ['b' | 'c', 'r', next, ..] if !after_word && matches!(next, '"' | '#') => {
            let hashes: Vec<char> =
                rest.iter().skip_while(|c| c.is_alphabetic()).take_while(|c| **c == '#').copied().collect();
            let open = rest.iter().position(|c| *c == '"')?;
            (rest[..open].iter().all(|c| c.is_alphabetic() || *c == '#'))
                .then(|| until(open + 1, &[&['"'], &hashes[..]].concat()))
        }
        ['"', ..] => {
            let mut escaped = false;
            let end = rest.iter().skip(1).position(|c| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            Some(end.map_or(chars.len(), |i| at + i + 2))
        }
        ['\'', '\\', _, ..] => Some(until(3, &['\''])),
        ['\'', _, '\'', ..] => Some(at + 3),
        _ => None,
    }
}

/// Leaves out what `#[cfg(test)]` stands before; a test module in a file of its own is added to `test_modules`.
pub(crate) fn without_test_items(tokens: &[Token], path: &[String], test_modules: &mut Vec<ModulePath>) -> Vec<Token> {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !starts_with(&tokens[at..], &marker) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let item = at + marker.len();
        let mut depth = 0;
        let length = tokens[item..].iter().position(|token| {
            depth += match token.text.as_str() {
                "(" | "[" | "{" => 1,
                ")" | "]" | "}" => -1,
                _ => 0,
            };
            depth == 0 && matches!(token.text.as_str(), ";" | "}")
        });
        at = length.map_or(tokens.len(), |length| item + length + 1);
        if let [module, name, end] = &tokens[item..at.min(tokens.len())]
            && module.text == "mod"
            && end.text == ";"
        {
            test_modules.push([path, std::slice::from_ref(&name.text)].concat());
        }
    }
    kept
}

fn starts_with(tokens: &[Token], texts: &[&str]) -> bool {
    tokens.len() >= texts.len() && tokens.iter().zip(texts).all(|(token, text)| token.text == *text)
}

/// The paths in the code of the module `path` that lead into this crate. `files` knows which modules there are.
pub(crate) fn mentions(tokens: &[Token], path: &[String], files: &BTreeMap<ModulePath, String>) -> Vec<Mention> {
    let mut found = Vec::new();
    // Inside `use ...;`: whether it is public.
    let mut import = None;
    for (at, token) in tokens.iter().enumerate() {
        let before = |n: usize| at.checked_sub(n).map_or("", |i| tokens[i].text.as_str());
        match token.text.as_str() {
            "use" => import = Some(matches!(before(1), "pub" | ")")),
            ";" => import = None,
            _ => {}
        }
        let leads = tokens.get(at + 1).is_some_and(|next| next.text == "::");
        let visibility = before(1) == "in" && before(2) == "(";
        // `a::super` does not exist, `super::super` is read from its first word.
        if !leads || visibility || before(1) == "::" {
            continue;
        }
        let child = [path, std::slice::from_ref(&token.text)].concat();
        let base = match token.text.as_str() {
            "crate" => Vec::new(),
            "self" => path.to_vec(),
            "super" => parent(path),
            _ if files.contains_key(&child) => child,
            _ => continue,
        };
        read_path(&tokens[at + 2..], base, import, &mut found);
    }
    found
}

fn parent(path: &[String]) -> ModulePath {
    path[..path.len().saturating_sub(1)].to_vec()
}

/// Reads on behind a `::`, into every branch of `{...}`. Returns how many tokens it read.
fn read_path(tokens: &[Token], base: ModulePath, import: Option<bool>, found: &mut Vec<Mention>) -> usize {
    let Some(first) = tokens.first() else { return 0 };
    let leads = tokens.get(1).is_some_and(|next| next.text == "::");
    match first.text.as_str() {
        "{" => {
            let mut at = 1;
            while at < tokens.len() && tokens[at].text != "}" {
                at += read_path(&tokens[at..], base.clone(), import, found).max(1);
            }
            at + 1
        }
        "super" if leads => 2 + read_path(&tokens[2..], parent(&base), import, found),
        word if leads && is_word(word) => {
            let onward = [&base[..], &[word.to_owned()]].concat();
            2 + read_path(&tokens[2..], onward, import, found)
        }
        word => {
            let word = word.to_owned();
            let (line, public) = (first.line, import == Some(true));
            let alias = tokens.get(1).filter(|next| next.text == "as").and(tokens.get(2));
            let read = if alias.is_some() { 3 } else { 1 };
            let (to, own_name) = match word.as_str() {
                "self" => (base.clone(), base.last().cloned()),
                _ if is_word(&word) => ([&base[..], std::slice::from_ref(&word)].concat(), Some(word)),
                // `*`, or the generics of a function.
                _ => (base, None),
            };
            let name = import.and(alias.map(|alias| alias.text.clone()).or(own_name));
            // A separator between branches is nothing that is mentioned.
            if first.text != "," {
                found.push(Mention { to, line, name, public });
            }
            read
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
