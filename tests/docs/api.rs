//! The pages of the interfaces, docs/reference/api-*.md, written from api-spec/*.yaml.

use std::fmt::Write as _;

use serde_yaml_ng::{Mapping, Value};

use super::{generated, read};

const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

/// One description, and the members of it that are looked at again and again.
struct Spec(Value);

#[test]
fn every_interface_has_its_page() {
    for name in ["authentication", "verification", "participant-metadata", "management"] {
        let text = read(format!("api-spec/{name}.yaml"));
        let spec = Spec(serde_yaml_ng::from_str(&text).unwrap());
        generated(&format!("docs/reference/api-{name}.md"), &spec.page(name));
    }
}

impl Spec {
    fn page(&self, name: &str) -> String {
        let info = &self.0["info"];
        let mut page = format!("# {}\n\n", title(name));
        writeln!(page, "Written from `api-spec/{name}.yaml`, which a test holds against real answers.\n").unwrap();
        for words in [&info["summary"], &info["description"]] {
            paragraph(&mut page, words);
        }
        let servers = self.0["servers"].as_sequence().into_iter().flatten();
        let urls: Vec<String> = servers.map(|server| format!("`{}`", text(&server["url"]))).collect();
        if !urls.is_empty() {
            writeln!(page, "Under {}.\n", urls.join(", ")).unwrap();
        }
        for (path, item) in members(&self.0["paths"]) {
            self.path(&mut page, path, item);
        }
        let components = &self.0["components"];
        section(&mut page, "Shared answers", &components["responses"], |page, item| self.shared_answer(page, item));
        section(&mut page, "Bodies", &components["schemas"], body);
        page.truncate(page.trim_end().len());
        page + "\n"
    }

    fn path(&self, page: &mut String, path: &str, item: &Value) {
        writeln!(page, "## `{path}`\n").unwrap();
        self.parameters(page, &item["parameters"]);
        let (mut told, mut others): (Vec<(&str, &Value)>, Vec<String>) = (Vec::new(), Vec::new());
        for (index, method) in METHODS.into_iter().enumerate() {
            let Some(operation) = item.get(method) else { continue };
            let (name, answers) = (method.to_uppercase(), &operation["responses"]);
            let summary = text(&operation["summary"]).trim_end_matches('.');
            let as_told = told.iter().find(|(_, same)| *same == answers);
            let is_plain = ["description", "parameters", "requestBody"].iter().all(|part| operation[*part].is_null());
            if let Some((as_told, _)) = as_told.filter(|_| is_plain) {
                others.push(format!("{name} ({}; answers as for {as_told})", lower_first(summary)));
                continue;
            }
            writeln!(page, "### {name}: {}\n", lower_first(summary)).unwrap();
            paragraph(page, &operation["description"]);
            self.parameters(page, &operation["parameters"]);
            for (media, body) in members(&operation["requestBody"]["content"]) {
                writeln!(page, "Body, `{media}`: {}\n", kind(&body["schema"])).unwrap();
            }
            match as_told {
                Some((as_told, _)) => writeln!(page, "Answers: those of {as_told}.\n").unwrap(),
                None => write_answers(page, answers),
            }
            told.push((METHODS_UPPER[index], answers));
        }
        if !others.is_empty() {
            writeln!(page, "Besides: {}.\n", others.join(", ")).unwrap();
        }
    }

    fn parameters(&self, page: &mut String, parameters: &Value) {
        let Some(parameters) = parameters.as_sequence() else { return };
        page.push_str("| parameter | in | what |\n|---|---|---|\n");
        for parameter in parameters.iter().map(|parameter| self.follow(parameter)) {
            let must = if parameter["required"].as_bool() == Some(true) { "" } else { ", optional" };
            let what = [kind(&parameter["schema"]), cell(&parameter["description"])];
            let what = what.iter().filter(|words| !words.is_empty()).cloned().collect::<Vec<_>>().join(" ");
            writeln!(page, "| `{}` | {}{must} | {what} |", text(&parameter["name"]), text(&parameter["in"])).unwrap();
        }
        page.push('\n');
    }

    fn shared_answer(&self, page: &mut String, answer: &Value) {
        paragraph(page, &answer["description"]);
        for (name, header) in members(&answer["headers"]) {
            let header = self.follow(header);
            let told = cell(&header["description"]);
            let told = if told.is_empty() { told } else { format!(" {told}") };
            writeln!(page, "- `{name}`: {}{told}", kind(&header["schema"])).unwrap();
        }
        for (media, body) in members(&answer["content"]) {
            writeln!(page, "- Body, `{media}`: {}", kind(&body["schema"])).unwrap();
        }
        page.push('\n');
    }

    /// What a local reference leads to, or the value itself.
    fn follow<'v>(&'v self, value: &'v Value) -> &'v Value {
        let Some(path) = value["$ref"].as_str() else { return value };
        let names = path.strip_prefix("#/").unwrap().split('/');
        let found = names.fold(&self.0, |value, name| &value[name]);
        assert!(!found.is_null(), "{path} leads nowhere");
        found
    }
}

fn section(page: &mut String, title: &str, items: &Value, write: impl Fn(&mut String, &Value)) {
    if !items.is_null() {
        writeln!(page, "## {title}\n").unwrap();
    }
    for (name, item) in members(items) {
        writeln!(page, "### {name}\n").unwrap();
        write(page, item);
    }
}

fn write_answers(page: &mut String, answers: &Value) {
    page.push_str("| status | what |\n|---|---|\n");
    for (status, answer) in members(answers) {
        match answer["$ref"].as_str() {
            Some(path) => writeln!(page, "| {status} | {} |", link(path)).unwrap(),
            None => writeln!(page, "| {status} | {} |", answer_line(answer)).unwrap(),
        }
    }
    page.push('\n');
}

/// What an answer is, in one line.
fn answer_line(answer: &Value) -> String {
    let mut words = cell(&answer["description"]);
    for (media, body) in members(&answer["content"]) {
        write!(words, " Body, `{media}`: {}", kind(&body["schema"])).unwrap();
    }
    let headers: Vec<String> = members(&answer["headers"]).map(|(name, _)| format!("`{name}`")).collect();
    if !headers.is_empty() {
        write!(words, " Headers: {}.", headers.join(", ")).unwrap();
    }
    words
}

fn body(page: &mut String, schema: &Value) {
    paragraph(page, &schema["description"]);
    if schema["properties"].is_null() {
        let mut bare: Mapping = schema.as_mapping().cloned().unwrap_or_default();
        bare.remove("description");
        writeln!(page, "{}\n", kind(&Value::Mapping(bare))).unwrap();
        return;
    }
    page.push_str("| member | must be there | what |\n|---|---|---|\n");
    let required = schema["required"].as_sequence().map(Vec::as_slice).unwrap_or_default();
    for (name, member) in members(&schema["properties"]) {
        let must = if required.iter().any(|required| required == name) { "yes" } else { "" };
        let what = format!("{} {}", kind(member), cell(&member["description"]));
        writeln!(page, "| `{name}` | {must} | {} |", what.trim()).unwrap();
    }
    page.push('\n');
}

/// The kind of a value in a few words. Ends with a full stop.
fn kind(schema: &Value) -> String {
    let words = kind_words(schema);
    if words.is_empty() { words } else { format!("{words}.") }
}

fn kind_words(schema: &Value) -> String {
    if let Some(path) = schema["$ref"].as_str() {
        return link(path);
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(kinds) = schema[several].as_sequence().filter(|_| schema["type"].is_null()) {
            return kinds.iter().map(kind_words).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(only) = schema.get("const") {
        return code(only);
    }
    if let Some(values) = schema["enum"].as_sequence() {
        return format!("one of {}", values.iter().map(code).collect::<Vec<_>>().join(", "));
    }
    let kind = match &schema["type"] {
        Value::Sequence(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(kind) if kind == "array" => format!("array of {}", kind_words(&schema["items"])),
        kind => text(kind).to_owned(),
    };
    let mut words = vec![kind];
    for (limit, says) in [
        ("format", "format"),
        ("pattern", "matching"),
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("maxLength", "with at most"),
        ("maxItems", "with at most"),
    ] {
        if let Some(value) = schema.get(limit) {
            let unit = match limit {
                "maxLength" => " characters",
                "maxItems" => " items",
                _ => "",
            };
            words.push(format!("{says} {}{unit}", code(value)));
        }
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

const METHODS_UPPER: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

fn title(name: &str) -> &str {
    match name {
        "authentication" => "Authentication API",
        "verification" => "Verification API",
        "participant-metadata" => "Participant metadata API",
        _ => "Internal listener",
    }
}

fn lower_first(words: &str) -> String {
    let mut rest = words.chars();
    rest.next().map(|first| first.to_lowercase().chain(rest).collect()).unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let mapping = value.as_mapping().into_iter().flatten();
    mapping.filter_map(|(name, value)| Some((name.as_str()?, value)))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn paragraph(page: &mut String, words: &Value) {
    if !text(words).is_empty() {
        writeln!(page, "{}\n", text(words).trim_end()).unwrap();
    }
}

/// Words in the cell of a table.
fn cell(words: &Value) -> String {
    text(words).split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A value as code, in the cell of a table too.
fn code(value: &Value) -> String {
    let shown = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(is) => is.to_string(),
        other => panic!("no value that a page can show: {other:?}"),
    };
    format!("`{}`", shown.replace('|', "\\|"))
}

/// A link to where something shared is told on the same page.
fn link(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    format!("[{name}](#{})", name.to_lowercase())
}
