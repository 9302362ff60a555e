#!/usr/bin/env bash
# Makes the seeds that the fuzzers start from, out of keys-example and of tokens as the attacks in the tests have them.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
rm -rf seeds
mkdir -p seeds/{token,claims,jwk_set,metadata_set,cert_header,pop,registry_body}

b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
seed() { cat >"seeds/$1/$2"; }

header='{"alg":"ES256","kid":"34:1"}'
claims='{"iss":"34","sub":"validator37","iat":1800000000,"nbf":1800000000,"exp":1800003600,"bobHok":"3f84f7c39d3b7b0a5a3e23c2cf8d7d4c2f3e9b11","bobAuthZ":"val"}'
token() { printf '%s.%s.%s' "$(printf %s "$1" | b64url)" "$(printf %s "$2" | b64url)" "$(head -c 64 /dev/zero | tr '\0' 'a' | b64url)"; }

token "$header" "$claims" | seed token plain
token '{"typ":"JWT","alg":"RS256","kid":"34:1"}' "$claims" | seed token rs256
token '{"alg":"none","kid":"34:1"}' "$claims" | seed token none
token '{"alg":"ES256","kid":"34:1","crit":["exp"]}' "$claims" | seed token crit
token '{"alg":"ES256","kid":"34:1","jwk":{"kty":"EC"}}' "$claims" | seed token embedded-key
token '{"alg":"ES256","\u0061lg":"none","kid":"34:1"}' "$claims" | seed token doubled-member
printf '{"jwtCompact":"%s"}' "$(token "$header" "$claims")" | seed token answer
printf 'a.b.c.d.e' | seed token five-parts

# The fingerprint of the certificate that the target presents.
hok=$(printf 'the DER of some certificate' | openssl dgst -sha1 -r | cut -d' ' -f1)
x5t=$(printf 'the DER of some certificate' | openssl dgst -sha256 -binary | b64url)
good=${claims/3f84f7c39d3b7b0a5a3e23c2cf8d7d4c2f3e9b11/$hok}
printf %s "$good" | seed claims good
printf '%s\xff%s' "$header" "$good" | seed claims good-with-header
printf %s "${good%\}},\"cnf\":{\"x5t#S256\":\"$x5t\"}}" | seed claims both-bindings
printf %s "${good%\}},\"aud\":[\"a\",\"b\"],\"jti\":\"1\"}" | seed claims audience
printf %s "${good/1800003600/\"never\"}" | seed claims exp-as-text
printf %s "${good/1800003600/1e400}" | seed claims exp-too-large
printf %s "${good/\"val\"/[\"val\"]}" | seed claims class-as-array
printf '%s\xff%s' '{"alg":"ES256","kid":"34:1","zip":"DEF"}' "$good" | seed claims zip

point() { openssl ec -in ../keys-example/authtoken.pem -pubout -outform DER 2>/dev/null | tail -c 64; }
x=$(point | head -c 32 | b64url) y=$(point | tail -c 32 | b64url)
n=$(openssl rsa -in ../keys-example/rsa-tvm8.key -noout -modulus 2>/dev/null | cut -d= -f2 | xxd -r -p | b64url)
ec="{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"34:1\",\"use\":\"sig\",\"alg\":\"ES256\",\"x\":\"$x\",\"y\":\"$y\"}"
rsa="{\"kty\":\"RSA\",\"kid\":\"34:2\",\"n\":\"$n\",\"e\":\"AQAB\"}"
printf '{"keys":[%s,%s]}' "$ec" "$rsa" | seed jwk_set two
printf '{"keys":[%s,%s]}' "$ec" "$ec" | seed jwk_set doubled
printf '{"keys":[%s]}' "${ec%\}},\"d\":\"AAAA\"}" | seed jwk_set private
printf '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"},%s]}' "$ec" | seed jwk_set other-type
printf '{"keys":[]}' | seed jwk_set empty

participant="{\"pid\":34,\"organisationName\":\"One\",\"authtokenPublicKeys\":[$ec]}"
printf '[%s]' "$participant" | seed metadata_set one
printf '[%s,%s]' "$participant" "{\"pid\":35,\"organisationName\":\"Two\",\"domainName\":\"two.example\",\"mtbPublicKeys\":[${ec%\}},\"bob_sc\":\"id\"}],\"interfaceEndpoints\":[{\"endpointId\":1,\"version\":1,\"type\":\"validation\",\"uri\":\"https://two.example/\",\"tlsa\":{\"usage\":3,\"selector\":1,\"type\":1,\"data\":\"00ff\"}}],\"issuerSignatureConstraints\":[{\"pid\":34,\"signatureLifetime\":\"P3W\"}],\"participantInfo\":{\"a\":[1]}}" | seed metadata_set two
printf '{"payload":"W10","signatures":[{"protected":"%s","signature":"AA"}]}' "$(printf '{"alg":"ES256","kid":"16:one","authid":16,"serial":7,"notvalidafter":"2027-01-15T08:00:00Z"}' | b64url)" | seed metadata_set general
printf '{"payload":"W10","protected":"e30","signature":"AA"}' | seed metadata_set flattened

der() { openssl x509 -in ../keys-example/validator37.pem -outform DER; }
der | openssl dgst -sha1 -r | cut -d' ' -f1 | tr -d '\n' | seed cert_header sha1
der | openssl dgst -sha1 -c -r | cut -d' ' -f1 | tr -d '\n' | tr a-f A-F | seed cert_header sha1-colons
der | openssl base64 -A | seed cert_header base64-der
printf ':%s:' "$(der | openssl base64 -A)" | seed cert_header rfc9440
sed -e 's/+/%2B/g; s/=/%3D/g; s/ /%20/g; s|/|%2F|g; s/$/%0A/' ../keys-example/validator37.pem | tr -d '\n' | seed cert_header url-pem
printf 'By=spiffe://a;Hash=%s;Cert="%s";Subject="CN=a,O=b"' "$(der | openssl dgst -sha256 -r | cut -d' ' -f1)" "$(cat seeds/cert_header/url-pem)" | seed cert_header xfcc
printf '(null)' | seed cert_header apache-null

# What the target's request is: PUT .../34/domainName?a=1 with If-Match and a body.
hash() { printf %s "$1" | openssl dgst -sha256 -binary | b64url; }
pop='{"alg":"ES256","kid":"34:m","typ":"pop"}'
proof="{\"ts\":1800000000,\"m\":\"PUT\",\"u\":\"registry.example.se\",\"p\":\"/api/v2/participantMetadata/34/domainName\",\"q\":[[\"a\"],\"$(hash 'a=1')\"],\"h\":[[\"if-match\"],\"$(hash 'if-match: "1"')\"],\"b\":\"$(hash '"a.se"')\"}"
printf '%s\xff%s' "$pop" "$proof" | seed pop good
printf '%s\xff%s' "$pop" "${proof/1800000000/1700000000}" | seed pop old
printf '%s\xff%s' "${pop/pop/pop-response}" '{"ts":1800000000,"s":200,"b":"AA","rq":"AA"}' | seed pop answer
token "$pop" "$proof" | seed pop unsigned
printf %s "${ec/\"use\":\"sig\",\"alg\":\"ES256\",/\"bob_sc\":\"ticket\",}" | seed registry_body mtb-key
printf %s "$rsa" | seed registry_body rsa-key
printf '{"endpointId":1,"version":1,"type":"validation","uri":"https://two.example/","tlsa":{"usage":3,"selector":1,"type":1,"data":"00ff"}}' | seed registry_body endpoint
printf '[{"pid":34,"signatureLifetime":"P3W"}]' | seed registry_body constraint
printf '{"a":[1,{"b":null}]}' | seed registry_body info
printf '"a.se"' | seed registry_body domain-name
printf %s "$participant" | seed registry_body participant
printf '/participantMetadata/34/mtbPublicKey/34%%3A1' | seed registry_body path
printf '{"a":100000000000000900000000000000000000000000061489146912365}' | seed registry_body large-number
