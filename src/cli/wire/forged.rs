//! What a client writes that wants to be somebody else: the headers in which proxies hand certificates over, with a victim's
//! certificate in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::crypto::cert::{CertError, Certificate};

/// Name and value of a header.
pub(in crate::cli) type Header = (String, String);

/// How a value speaks of the victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Fingerprint,
    UrlPem,
    Base64Der,
    Rfc9440,
    Xfcc,
    /// The same for everybody.
    Text(&'static str),
}

/// The headers that some proxy or other, or the verifier, speaks of identities in.
const IDENTITY_HEADERS: [(&str, Form); 15] = [
    ("X-SSL-Client-SHA1", Form::Fingerprint),
    ("X-SSL-Client-Cert", Form::UrlPem),
    ("X-SSL-Client-DER", Form::Base64Der),
    ("X-SSL-Client-Verify", Form::Text("SUCCESS")),
    ("X-SSL-Client-S-DN", Form::Text("CN=bob-auth-probe")),
    ("SSL-Client-Cert", Form::UrlPem),
    ("Client-Cert", Form::Rfc9440),
    ("X-Forwarded-Client-Cert", Form::Xfcc),
    ("X-Forwarded-Tls-Client-Cert", Form::Base64Der),
    ("X-Amzn-Mtls-Clientcert", Form::UrlPem),
    ("X-Amzn-Mtls-Clientcert-Leaf", Form::UrlPem),
    ("X-BoB-Pid", Form::Text("1")),
    ("X-BoB-Entity", Form::Text("bob-auth-probe")),
    ("X-BoB-Class", Form::Text("val")),
    ("X-BoB-Expires", Form::Text("4102444800")),
];

/// The victim's name in every form.
pub(in crate::cli) struct Victim {
    pub(in crate::cli) sha1: String,
    sha256: String,
    url_pem: String,
    base64: String,
}

impl Victim {
    pub(in crate::cli) fn of(certificate: &Certificate) -> Result<Self, CertError> {
        Ok(Self {
            sha1: certificate.sha1.to_string(),
            sha256: certificate.sha256.to_string(),
            url_pem: utf8_percent_encode(&certificate.to_pem()?, NON_ALPHANUMERIC).to_string(),
            base64: STANDARD.encode(&certificate.der),
        })
    }

    fn as_form(&self, form: Form) -> String {
        match form {
            Form::Fingerprint => self.sha1.clone(),
            Form::UrlPem => self.url_pem.clone(),
            Form::Base64Der => self.base64.clone(),
            Form::Rfc9440 => format!(":{}:", self.base64),
            Form::Xfcc => format!("Hash={};Cert=\"{}\"", self.sha256, self.url_pem),
            Form::Text(text) => text.to_owned(),
        }
    }

    /// Every header that is known, each with the victim's name.
    pub(in crate::cli) fn headers(&self) -> Vec<Header> {
        IDENTITY_HEADERS.iter().map(|(name, form)| ((*name).to_owned(), self.as_form(*form))).collect()
    }

    /// A header that this proxy sets and nobody else knows, in every form that it may have.
    pub(in crate::cli) fn forms_of(&self, name: &str) -> Vec<Header> {
        let forms = [Form::Fingerprint, Form::UrlPem, Form::Base64Der, Form::Rfc9440, Form::Xfcc];
        forms.iter().map(|form| (name.to_owned(), self.as_form(*form))).collect()
    }
}

/// Whether this name is one of those that are always forged.
pub(in crate::cli) fn is_known(name: &str) -> bool {
    IDENTITY_HEADERS.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}
