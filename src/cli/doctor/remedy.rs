//! Which line of which proxy's configuration mends a finding. Data: what is wrong is decided elsewhere.

use clap::ValueEnum;

use super::finding::Finding;

/// The proxies that there are ready-made configurations for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Proxy {
    // No doc comments here: they would stretch the help text to its long form.
    Nginx,
    Haproxy,
    Apache,
    Envoy,
    Traefik,
    Caddy,
}

impl Proxy {
    pub(super) const ALL: [Self; 6] =
        [Self::Nginx, Self::Haproxy, Self::Apache, Self::Envoy, Self::Traefik, Self::Caddy];

    /// As `bob-auth proxy-config` calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Apache => "apache",
            Self::Envoy => "envoy",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
        }
    }

    /// By what it says of itself in `Server`. HAProxy and Traefik say nothing.
    pub(super) fn of_server(header: &str) -> Option<Self> {
        let header = header.to_ascii_lowercase();
        Self::ALL.into_iter().find(|proxy| header.starts_with(proxy.name()))
    }

    /// It has no setting for certificates that are not valid now or not for clients.
    pub(super) const fn breaks_off_by_nature(self) -> bool {
        matches!(self, Self::Apache)
    }
}

/// What mends these findings, in the order of [`Proxy::ALL`].
type Row = (&'static [Finding], [&'static str; 6]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    (&[Finding::ForgedIdentity, Finding::ForgedHeader, Finding::IdentityOfNobody], [
        "proxy_set_header NAME \"\";  for every name, in the very location that has proxy_pass: a location with one proxy_set_header of its own inherits none",
        "http-request del-header ^x-ssl-client-|^ssl-client-|... -m reg  first, then  http-request set-header X-SSL-Client-SHA1 %[ssl_c_sha1,hex,lower]  without any `if`",
        "LuaHookAccessChecker .../apache-bob.lua hand_over early  (its table `ours` has the names); without Lua  RequestHeader unset NAME early  for every name",
        "forward_client_cert_details: SANITIZE_SET, and early_header_mutation_extensions with {remove: NAME} for every name",
        "customRequestHeaders: {NAME: \"\"}  in a middleware before passTLSClientCert; forwardedHeaders.insecure off",
        "request_header -NAME  for every name, and all of it inside one `route`, before reverse_proxy",
    ]),
    (&[Finding::UnderscoreHeader], [
        "underscores_in_headers off;",
        "http-request del-header _ -m sub",
        "LuaHookAccessChecker .../apache-bob.lua hand_over early  (it removes every name with an underscore); without Lua  RequestHeader unset X_SSL_Client_Cert early",
        "common_http_protocol_options: {headers_with_underscores_action: DROP_HEADER}",
        "customRequestHeaders: {X_SSL_Client_SHA1: \"\"}  and so on: Traefik removes by whole names only, so let the service behind refuse underscores",
        "request_header -*_*",
    ]),
    (&[Finding::WrongIdentity], [
        "proxy_set_header X-SSL-Client-SHA1 $ssl_client_fingerprint;",
        "http-request set-header X-SSL-Client-SHA1 %[ssl_c_sha1,hex,lower]  (ssl_c_, the client's; not ssl_f_, the proxy's own)",
        "LuaHookAccessChecker .../apache-bob.lua hand_over early; an expr=%{sha1:...} hashes the text of the certificate",
        "set_current_client_cert_details: {cert: true}  with forward_client_cert_details: SANITIZE_SET",
        "passTLSClientCert: {pem: true}",
        "request_header X-SSL-Client-DER {http.request.tls.client.certificate_der_base64}",
    ]),
    (&[Finding::ConnectionOption], [
        "proxy_set_header Connection \"\";  and every identity header set by proxy_set_header",
        "http-request set-header ...  as it stands in haproxy.cfg: HAProxy obeys no Connection option, look for what is before it",
        "LuaHookAccessChecker .../apache-bob.lua hand_over early  (it leaves nothing but close and keep-alive); without Lua  RequestHeader edit Connection \"(?i)^(?!close$).*$\" keep-alive",
        "early_header_mutation_extensions with {remove: connection}",
        "no line: take a later version, or let the service behind refuse what lacks the header",
        "request_header -Connection  inside the `route`, before reverse_proxy",
    ]),
    (&[Finding::SessionIdentity], [
        "ssl_session_tickets off;  and one server block only on this address",
        "bind ... no-tls-tickets",
        "SSLSessionTickets off",
        "disable_stateless_session_resumption: true",
        "tls.options.default.disableSessionTickets: true",
        "one site only on this address; tls.session_tickets.disabled in the JSON configuration",
    ]),
    (&[Finding::ProbeMissing, Finding::NotAProbe], [
        "location = /bob-auth/probe { auth_request off; rewrite ^ /probe break; proxy_pass http://bob_verifier; }",
        "use_backend bob_verifier if { path /bob-auth/probe }  and there  http-request set-path /probe",
        "ProxyPass \"/bob-auth/probe\" \"http://127.0.0.1:9443/probe\" nocanon  before the other ProxyPass lines",
        "- match: {path: /bob-auth/probe}  route: {cluster: bob_verifier, prefix_rewrite: /probe}  with ext_authz disabled for it",
        "the router bob-probe: rule: Path(`/bob-auth/probe`), middlewares: [bob-strip, bob-certificate, bob-probe]",
        "handle /bob-auth/probe { rewrite * /probe  reverse_proxy 127.0.0.1:9443 }  before the general handle",
    ]),
    (&[Finding::VerifierDown], [
        "upstream bob_verifier { server 127.0.0.1:9443; }",
        "backend bob_verifier: server verifier 127.0.0.1:9443",
        "ProxyPass \"/bob-auth/probe\" \"http://127.0.0.1:9443/probe\" nocanon",
        "cluster bob_verifier: socket_address: {address: \"127.0.0.1\", port_value: 9443}",
        "services: bob-verifier: loadBalancer: {servers: [{url: \"http://127.0.0.1:9443\"}]}",
        "reverse_proxy 127.0.0.1:9443",
    ]),
    (&[Finding::CertificateDemanded], [
        "ssl_verify_client optional_no_ca;",
        "bind ... verify optional",
        "SSLVerifyClient optional_no_ca",
        "require_client_certificate: false",
        "tls.options.default.clientAuth: {clientAuthType: RequestClientCert}",
        "client_auth { mode request }",
    ]),
    (&[Finding::BrokenOff, Finding::Refused400, Finding::Refused401], [
        "ssl_verify_client optional_no_ca;  without ssl_client_certificate, and  error_page 495 496 = @every_certificate;  for expired ones and those for servers",
        "bind ... verify optional ca-file FILE crt-ignore-err all ca-ignore-err all no-ca-names",
        "SSLVerifyClient optional_no_ca  without SSLCACertificateFile",
        "validation_context: {trust_chain_verification: ACCEPT_UNTRUSTED}  without trusted_ca",
        "tls.options.default.clientAuth: {clientAuthType: RequestClientCert}",
        "client_auth { mode request }",
    ]),
    (&[Finding::TooLarge, Finding::LargeRefused], [
        "proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;  in the location of the verifier only",
        "tune.bufsize 65536  and  tune.maxrewrite 32768  in `global`",
        "LuaHookAccessChecker .../apache-bob.lua hand_over early: DER in base64 is the shortest form",
        "set_current_client_cert_details: {cert: true}  and nothing besides: no chain, no subject",
        "passTLSClientCert: {pem: true}  without `info`",
        "request_header X-SSL-Client-DER {http.request.tls.client.certificate_der_base64}",
    ]),
    (&[Finding::NotHandedOver, Finding::Unreadable, Finding::OtherStatus], [
        "proxy_set_header X-SSL-Client-SHA1 $ssl_client_fingerprint;  proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;  in the location of the probe, under  ssl_verify_client optional_no_ca;",
        "http-request set-header X-SSL-Client-SHA1 %[ssl_c_sha1,hex,lower]  and  http-request set-header X-SSL-Client-DER %[ssl_c_der,base64]  under  bind ... verify optional",
        "LuaHookAccessChecker .../apache-bob.lua hand_over early  under  SSLVerifyClient optional_no_ca",
        "forward_client_cert_details: SANITIZE_SET  and  set_current_client_cert_details: {cert: true}",
        "passTLSClientCert: {pem: true}  under  clientAuth: {clientAuthType: RequestClientCert}",
        "request_header X-SSL-Client-DER {http.request.tls.client.certificate_der_base64}  under  client_auth { mode request }",
    ]),
];

/// The line that mends it. What no line of a proxy mends has none.
pub(super) fn remedy(finding: Finding, proxy: Proxy) -> Option<&'static str> {
    let (_, lines) = TABLE.iter().find(|(findings, _)| findings.contains(&finding))?;
    let column = Proxy::ALL.iter().position(|one| *one == proxy)?;
    lines.get(column).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_mended_in_one_place_of_the_table() {
        let all: Vec<Finding> = TABLE.iter().flat_map(|(findings, _)| findings.iter().copied()).collect();
        for finding in &all {
            assert_eq!(all.iter().filter(|other| *other == finding).count(), 1, "{finding:?}");
        }
        assert_eq!(remedy(Finding::UnderscoreHeader, Proxy::Haproxy), Some("http-request del-header _ -m sub"));
        assert_eq!(remedy(Finding::Unreachable, Proxy::Haproxy), None);
    }

    #[test]
    fn a_proxy_is_known_by_its_server_header() {
        assert_eq!(Proxy::of_server("nginx/1.22.1"), Some(Proxy::Nginx));
        assert_eq!(Proxy::of_server("Apache/2.4.71 (Debian)"), Some(Proxy::Apache));
        assert_eq!(Proxy::of_server("Caddy"), Some(Proxy::Caddy));
        assert_eq!(Proxy::of_server("actix"), None);
    }
}
