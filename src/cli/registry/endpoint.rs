//! `bob-auth registry endpoint`: where the participant's services are.

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use super::super::error::CliError;
use super::super::output::{Answer, Table, facts, list, or_dash};
use super::super::session::Global;
use super::room::{Done, Room, Thing, as_json, notes};
use crate::protocol::metadata::{Endpoint, EndpointCall, Tlsa};
use crate::protocol::registry::body::read_endpoint_call;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum EndpointVerb {
    /// List the endpoints
    #[command(after_help = "Example:\n  bob-auth registry endpoint list")]
    List,
    /// Show one endpoint
    #[command(after_help = "Example:\n  bob-auth registry endpoint show 7")]
    Show(Which),
    /// Add an endpoint; the registry gives it its id. If there is one that says the same, nothing is done
    #[command(after_help = "Example:\n  bob-auth registry endpoint add --type validation --version 1 \\\n      \
                            --uri https://api.example.se/validation/v1")]
    Add(Add),
    /// Change an endpoint; what is not named stays
    #[command(after_help = "Example:\n  bob-auth registry endpoint set 7 --uri https://api.example.se/validation/v2")]
    Set(Set),
    /// Remove an endpoint
    #[command(after_help = "Example:\n  bob-auth registry endpoint remove 7")]
    Remove(Which),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    /// The endpoint's id
    #[arg(value_name = "ID", allow_negative_numbers = true)]
    id: i64,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Add {
    /// Which interface it is, for example validation
    #[arg(long = "type", value_name = "TYPE")]
    interface: String,
    /// The version of that interface
    #[arg(long, value_name = "N")]
    version: i32,
    /// Where it is
    #[arg(long, value_name = "URI")]
    uri: String,
    /// What its certificate is to be: usage, selector, matching type and hexadecimal data, as in DNS
    #[arg(long, value_name = "\"3 1 1 HEX\"", value_parser = tlsa)]
    tlsa: Option<Tlsa>,
}

#[derive(Debug, Args)]
#[command(override_usage = "bob-auth registry endpoint set [OPTIONS] <ID>")]
#[command(group(ArgGroup::new("change").required(true).multiple(true)))]
pub(in crate::cli) struct Set {
    /// The endpoint's id
    #[arg(value_name = "ID", allow_negative_numbers = true)]
    id: i64,
    /// Which interface it is
    #[arg(long = "type", value_name = "TYPE", group = "change")]
    interface: Option<String>,
    /// The version of that interface
    #[arg(long, value_name = "N", group = "change")]
    version: Option<i32>,
    /// Where it is
    #[arg(long, value_name = "URI", group = "change")]
    uri: Option<String>,
    /// What its certificate is to be: usage, selector, matching type and hexadecimal data, as in DNS
    #[arg(long, value_name = "\"3 1 1 HEX\"", value_parser = tlsa, group = "change")]
    tlsa: Option<Tlsa>,
    /// Nothing is said about its certificate
    #[arg(long, conflicts_with = "tlsa", group = "change")]
    no_tlsa: bool,
}

impl EndpointVerb {
    pub(super) async fn run(self, global: &Global) -> Result<Answer, CliError> {
        let room = Room::open(global)?;
        match self {
            Self::List => {
                let endpoints = room.client().endpoints().await?;
                let mut table = Table::new(&["ID", "TYPE", "VERSION", "URI", "TLSA"]);
                for Endpoint { endpoint_id, call } in &endpoints.entries {
                    let tlsa = or_dash(call.tlsa.as_ref().map(presentation).as_ref());
                    table.row(&[endpoint_id, &call.interface.as_str(), &call.version, &call.uri, &tlsa]);
                }
                Ok(list(&table, endpoints.entries, None, "")?.notes(notes(&endpoints.skipped)))
            }
            Self::Show(Which { id }) => {
                let found = room.client().endpoint(id).await?;
                let text = described(&found.value) + &facts(&[("etag", found.etag.clone())]);
                Answer::new(text, &json!({ "endpoint": found.value, "etag": found.etag }))
            }
            Self::Add(add) => {
                let (published, endpoint) = room.publisher.add_endpoint(&add.call()?).await?;
                let done = (Done::Published, published);
                let answer = room.published(global, &named(endpoint.endpoint_id), done).await?;
                answer.beside("endpoint", &as_json(&endpoint)?)
            }
            Self::Set(set) => {
                let old = room.client().endpoint(set.id).await?.value;
                let id = set.id;
                let endpoint = Endpoint { endpoint_id: id, call: set.call(old.call)? };
                let published = room.publisher.set_endpoint(&endpoint).await?;
                room.published(global, &named(id), (Done::Replaced, published)).await
            }
            Self::Remove(Which { id }) => {
                let withdrawn = room.publisher.remove_endpoint(id).await?;
                room.withdrawn(global, &named(id), withdrawn).await
            }
        }
    }
}

impl Add {
    fn call(self) -> Result<EndpointCall, CliError> {
        checked(&json!({ "type": self.interface, "version": self.version, "uri": self.uri, "tlsa": self.tlsa }))
    }
}

impl Set {
    fn call(self, old: EndpointCall) -> Result<EndpointCall, CliError> {
        let tlsa = if self.no_tlsa { None } else { self.tlsa.or(old.tlsa) };
        checked(&json!({
            "type": self.interface.unwrap_or_else(|| old.interface.as_str().to_owned()),
            "version": self.version.unwrap_or(old.version),
            "uri": self.uri.unwrap_or_else(|| old.uri.into()),
            "tlsa": tlsa,
        }))
    }
}

/// Read as the registry will read it.
fn checked(call: &Value) -> Result<EndpointCall, CliError> {
    read_endpoint_call(call.to_string().as_bytes()).map_err(|error| {
        CliError::new(format!("this is no endpoint: {error}")).next("correct what is named and try again")
    })
}

fn named(id: i64) -> Thing {
    Thing::new(format!("endpoint {id}"))
}

fn described(endpoint: &Endpoint) -> String {
    facts(&[
        ("endpoint", Some(endpoint.endpoint_id.to_string())),
        ("type", Some(endpoint.call.interface.as_str().to_owned())),
        ("version", Some(endpoint.call.version.to_string())),
        ("uri", Some(endpoint.call.uri.to_string())),
        ("tlsa", endpoint.call.tlsa.as_ref().map(presentation)),
    ])
}

/// The presentation format of DNS (RFC 6698 section 2.2).
fn presentation(tlsa: &Tlsa) -> String {
    format!("{} {} {} {}", tlsa.usage, tlsa.selector, tlsa.matching_type, tlsa.data)
}

fn tlsa(text: &str) -> Result<Tlsa, String> {
    let wrong = || "write usage, selector, matching type and hexadecimal data: \"3 1 1 0a1b...\"".to_owned();
    let mut words = text.split_ascii_whitespace();
    let mut byte = || words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong);
    let (usage, selector, matching_type) = (byte()?, byte()?, byte()?);
    let data = words.collect::<String>().to_ascii_lowercase();
    let is_hex = data.bytes().all(|byte| byte.is_ascii_hexdigit());
    if data.is_empty() || !data.len().is_multiple_of(2) || !is_hex {
        return Err(wrong());
    }
    Ok(Tlsa { usage, selector, matching_type, data: data.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tlsa_is_written_as_in_dns() {
        let read = tlsa("3 1 1 0A1B 2c").unwrap();
        assert_eq!(presentation(&read), "3 1 1 0a1b2c");
        for text in ["", "3 1 1", "3 1 1 0", "3 1 1 xy", "256 1 1 00", "3 1 00"] {
            assert!(tlsa(text).is_err(), "{text}");
        }
    }
}
