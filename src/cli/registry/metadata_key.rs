//! `bob-auth registry metadata-key`: the key with which a participant proves to the registry who it is. Its public half is
//! handed to the administering body, by a way that both trust.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::super::error::CliError;
use super::super::output::Answer;
use super::super::session::{Global, randomness};
use super::room::{as_json, configured};
use crate::app::metadata_key;
use crate::config::{MetadataKeyFile, RegistryClientConfig};
use crate::crypto::algorithm::Algorithm;
use crate::crypto::private_key::PrivateKey;
use crate::flow::new_files::NewFiles;
use crate::protocol::jwk::bare_jwk;
use crate::protocol::pop::PopKey;
use crate::value::{Kid, Pid};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MetadataKey {
    /// Make the metadata key where the configuration says, and print its public half
    #[command(after_help = "Example:\n  bob-auth registry metadata-key generate > metadata-34.jwk\n\n\
        Hand the public key to the administering body. Without it the registry knows nobody.")]
    Generate(Generate),
    /// Print the public half of the metadata key
    #[command(after_help = "Example:\n  bob-auth registry metadata-key show")]
    Show(Where),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Generate {
    /// How it signs
    #[arg(long, value_name = "ES256|RS256", default_value = "ES256")]
    alg: Algorithm,
    /// The size of an RSA key [default: 3072]
    #[arg(long, value_name = "BITS", value_parser = ["2048", "3072", "4096"])]
    bits: Option<String>,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Where {
    /// Its file
    #[arg(
        long,
        value_name = "FILE",
        requires = "kid",
        help = "Its file [default: the participant's metadata_key in the configuration]"
    )]
    file: Option<PathBuf>,
    /// Its id
    #[arg(
        long,
        value_name = "KID",
        requires = "file",
        help = "Its id [default: the participant's metadata_kid in the configuration]"
    )]
    kid: Option<Kid>,
}

impl MetadataKey {
    pub(super) fn run(self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Generate(generate) => generate.run(global),
            Self::Show(place) => {
                let (config, key) = place.find(global)?;
                let found = metadata_key(&key.file, &key.kid, config.keys.passphrase.as_ref(), &randomness())?;
                printed(&found)
            }
        }
    }
}

impl Generate {
    fn run(self, global: &Global) -> Result<Answer, CliError> {
        let (config, key) = self.place.find(global)?;
        let private = match (self.alg, self.bits.as_deref().and_then(|bits| bits.parse().ok())) {
            (Algorithm::Es256, Some(_)) => {
                return Err(
                    CliError::new("an ES256 key is always on P-256").next("leave --bits out, or add --alg RS256")
                );
            }
            (Algorithm::Rs256, Some(bits)) => PrivateKey::generate_rsa(bits)?,
            (algorithm, None) => PrivateKey::generate_for(algorithm)?,
        };
        let mut made = NewFiles::default();
        made.private(&key.file, &private.to_pkcs8_pem(config.keys.passphrase.as_ref())?).map_err(|error| {
            CliError::from(error)
                .next("a metadata key is never overwritten: name another file, or move the old one away")
        })?;
        // Read back from its file, as every later command will.
        let found = metadata_key(&key.file, &key.kid, config.keys.passphrase.as_ref(), &randomness())?;
        let answer = printed(&found)?;
        made.keep();
        Ok(answer.note(format!(
            "its private half is {}: keep a copy where nobody else gets it. Hand what was printed to the administering body, \
             and tell it the thumbprint by another way",
            key.file.display()
        )))
    }
}

impl Where {
    /// The file and id that are meant.
    fn find(&self, global: &Global) -> Result<(RegistryClientConfig, MetadataKeyFile), CliError> {
        let (config, pid) = configured(global)?;
        let named = match (&self.file, &self.kid) {
            (Some(file), Some(kid)) => MetadataKeyFile { file: file.clone(), kid: kid.clone() },
            _ => config.registry.participants.get(&pid).cloned().ok_or_else(|| missing(pid))?,
        };
        Ok((config, named))
    }
}

fn missing(pid: Pid) -> CliError {
    CliError::new(format!("the configuration has no table [registry.participant.{pid}]"))
        .next("write one with metadata_key and metadata_kid, or say --file and --kid")
}

fn printed(key: &PopKey) -> Result<Answer, CliError> {
    let jwk = as_json(&bare_jwk(&key.kid, key.signer.public_key()))?;
    let thumbprint = key.signer.public_key().thumbprint();
    Ok(Answer::new(serde_json::to_string_pretty(&jwk)?, &jwk)?.note(format!("thumbprint {thumbprint}")))
}
