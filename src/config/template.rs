//! Writes the configuration as text: the commented file of `bob-auth init`, and the reference in `docs/configuration.md`.
//! Both come from the one table in `keys`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::keys::{Key, SECTIONS, Section, Standing};
use crate::value::Pid;

/// What differs between one new configuration and the next.
#[derive(Debug, Clone)]
pub struct TemplateValues {
    /// The default participant.
    pub pid: Pid,
    /// Where token requests come in.
    pub token_listen: Vec<SocketAddr>,
    /// Where health, metrics and the key set are served.
    pub internal_listen: SocketAddr,
    /// The SQLite file.
    pub store_path: PathBuf,
    /// The directory of the signing keys.
    pub key_directory: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
}

const WIDTH: usize = 100;
const HEAD: &str = "Configuration of bob-auth. Lines that begin with \"# \" explain; a line such as \"#jti = true\" is a \
                    setting switched off: remove the # to switch it on (in a table that is switched off, remove it from the line with the table's \
                    [name] as well). Every other value written here is the default \
                    or was chosen by `bob-auth init`. Durations carry a unit: \"250ms\", \"15s\", \"15m\", \"1h\", \"7d\". \
                    Relative paths start at the directory of this file. `bob-auth config check` names every fault at once.";

impl TemplateValues {
    /// The values with the names that `bob-auth init` gives its files.
    pub fn customary(pid: Pid, token_listen: Vec<SocketAddr>, internal_listen: SocketAddr) -> Self {
        Self {
            pid,
            token_listen,
            internal_listen,
            store_path: "bob-auth.sqlite".into(),
            key_directory: "keys".into(),
            certificate: "tls/server.pem".into(),
            private_key: "tls/server.key".into(),
        }
    }

    /// By key path, as TOML.
    fn by_key(&self) -> BTreeMap<&'static str, String> {
        let text = |value: &dyn ToString| toml::Value::String(value.to_string()).to_string();
        let path = |path: &PathBuf| text(&path.display());
        let listen = match self.token_listen.as_slice() {
            [one] => text(one),
            many => format!("[{}]", many.iter().map(|one| text(one)).collect::<Vec<_>>().join(", ")),
        };
        BTreeMap::from([
            ("default_participant", self.pid.to_string()),
            ("store.path", path(&self.store_path)),
            ("keys.directory", path(&self.key_directory)),
            ("listener.token.listen", listen),
            ("listener.token.certificate", path(&self.certificate)),
            ("listener.token.private_key", path(&self.private_key)),
            ("listener.internal.listen", text(&self.internal_listen)),
        ])
    }
}

/// The configuration file with every key explained.
pub(super) fn template(values: &TemplateValues) -> String {
    let chosen = values.by_key();
    let mut out = comment(HEAD);
    for section in SECTIONS {
        out.push('\n');
        write_head(&mut out, section);
        let mut explained = section.path.is_empty();
        for key in section.keys {
            if section.as_in.is_none() {
                if explained {
                    out.push('\n');
                }
                out.push_str(&comment(key.about));
                explained = true;
            }
            write_key(&mut out, section, key, &chosen);
        }
    }
    // The top of the file has no head of its own, so it leaves one empty line too many.
    out.replacen("\n\n\n", "\n\n", 1)
}

fn write_head(out: &mut String, section: &Section) {
    if section.path.is_empty() {
        return;
    }
    out.push_str(&comment(section.about));
    let mark = if section.always { "" } else { "#" };
    let _ = writeln!(out, "{mark}[{}]", section.sample_path());
}

fn write_key(out: &mut String, section: &Section, key: &Key, chosen: &BTreeMap<&'static str, String>) {
    let path = super::reader::join(section.path, key.name);
    let (value, on) = match key.standing {
        Standing::Default(value) | Standing::Required(value) => (value, true),
        Standing::Optional(value) => (value, false),
    };
    let value = chosen.get(path.as_str()).map_or(value, String::as_str);
    let mark = if on && section.always { "" } else { "#" };
    let _ = writeln!(out, "{mark}{} = {value}", key.name);
}

/// As comment lines, broken between words.
fn comment(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out + &line + "\n"
}

/// `docs/configuration.md`.
pub(super) fn reference() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         One TOML file; `config.example.toml` shows all of it. Unknown keys are faults, and `bob-auth config check` names \
         every fault at once with its line. Durations carry a unit (`\"250ms\"`, `\"15s\"`, `\"15m\"`, `\"1h\"`, `\"7d\"`), \
         relative paths start at the directory of the file.\n\n\
         This page is generated from the table of keys in `src/config/keys.rs`.\n",
    );
    for section in SECTIONS {
        let title = match section.path {
            "" => "Top of the file".to_owned(),
            path => format!("`[{path}]`"),
        };
        let _ = write!(out, "\n## {title}\n\n");
        if !section.about.is_empty() {
            let _ = writeln!(out, "{}", section.about);
        }
        if section.as_in.is_some() {
            continue;
        }
        if !section.about.is_empty() {
            out.push('\n');
        }
        out.push_str("| key | default | meaning |\n|---|---|---|\n");
        for key in section.keys {
            let default = match key.standing {
                Standing::Default(value) => format!("`{value}`"),
                Standing::Optional(value) => format!("none; for example `{value}`"),
                Standing::Required(value) => format!("must be written; for example `{value}`"),
            };
            let _ = writeln!(out, "| `{}` | {default} | {} |", key.name, key.about.replace('|', "\\|"));
        }
    }
    out
}
