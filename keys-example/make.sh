#!/usr/bin/env bash
# Makes the throw-away certificates and keys of the examples and tests with the openssl command line (3.0 or later).
# What each file is for: README.md.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: make.sh [--force] [DIRECTORY]

Writes a fresh set of throw-away certificates and keys into DIRECTORY
(default: the directory of this script). Files that are there already are
left alone and are an error, unless --force is given.
TEXT
}

force=no
out=
for argument in "$@"; do
    case $argument in
        --force) force=yes ;;
        -h | --help) usage; exit 0 ;;
        -*) usage >&2; exit 2 ;;
        *) [ -z "$out" ] || { usage >&2; exit 2; }; out=$argument ;;
    esac
done
: "${out:=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)}"

names='ca server validator37 inspector5 rsa-tvm8 impostors/other-ca impostors/same-name-other-ca impostors/same-name
    impostors/expired impostors/not-yet-valid impostors/x509-v1 impostors/ca-true impostors/server-auth-only
    impostors/weak-rsa1024 impostors/sha1-signed impostors/ed25519 impostors/p384'

mkdir -p "$out/impostors"
if [ "$force" = no ]; then
    for name in $names authtoken; do
        for file in "$out/$name.pem" "$out/$name.key"; do
            if [ -e "$file" ]; then
                echo "make.sh: $file exists already; --force replaces it" >&2
                exit 1
            fi
        done
    done
fi

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Fixed dates with a start long ago and hundred years of life: the examples should neither depend on the clock of the
# machine that made them nor stop working on some Tuesday.
living='20200101000000Z 21200101000000Z'
ended='20200101000000Z 20200201000000Z'
coming='21190101000000Z 21200101000000Z'
entity='basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash'

# Runs openssl; what it says is shown only if it fails.
ssl() {
    openssl "$@" 2>"$work/said" || { echo "make.sh: openssl $1 failed:" >&2; cat "$work/said" >&2; exit 1; }
}

# key NAME KIND: a private key as PKCS#8 PEM. KIND: p256, p384, ed25519, rsa:BITS.
key() {
    case $2 in
        p256) ssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$out/$1.key" ;;
        p384) ssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$out/$1.key" ;;
        ed25519) ssl genpkey -algorithm ED25519 -out "$out/$1.key" ;;
        rsa:*) ssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa:}" -out "$out/$1.key" ;;
    esac
    chmod 600 "$out/$1.key"
}

# request NAME CN: a certificate request for the key of NAME.
request() {
    ssl req -new -utf8 -config /dev/null -subj "/O=BoB example/CN=$2" -key "$out/$1.key" -out "$work/request"
}

# certify NAME CN SIGNER EXTENSIONS [DATES [DIGEST]]: a certificate for the key of NAME; SIGNER is NAME itself or a CA made
# before. `openssl x509` takes no start date before version 3.4, `openssl ca` does. Without extensions it is X.509 v1.
certify() {
    local name=$1 signer=$3 dates=${5:-$living} digest=${6:-default}
    local authority=(-selfsign -keyfile "$out/$name.key")
    [ "$signer" = "$name" ] || authority=(-cert "$out/$signer.pem" -keyfile "$out/$signer.key")
    request "$name" "$2"
    rm -f "$work"/index*
    : >"$work/index"
    openssl rand -hex 15 >"$work/serial"
    cat >"$work/ca.conf" <<CONF
[ca]
default_ca = example
[example]
database = $work/index
serial = $work/serial
new_certs_dir = $work
policy = any
unique_subject = no
email_in_dn = no
[any]
organizationName = supplied
commonName = supplied
[extensions]
$4
CONF
    ssl ca -batch -notext -config "$work/ca.conf" ${4:+-extensions extensions} "${authority[@]}" -md "$digest" \
        -startdate "${dates% *}" -enddate "${dates#* }" -in "$work/request" -out "$out/$name.pem"
}

# self_signed NAME CN KIND EXTENSIONS [DATES [DIGEST]]: key and certificate.
self_signed() {
    local name=$1 cn=$2
    key "$name" "$3"
    shift 3
    certify "$name" "$cn" "$name" "$@"
}

authority='basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash'

self_signed ca 'BoB example CA' p256 "$authority"

key server p256
certify server localhost ca 'basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid'

self_signed validator37 validator37 p256 "$entity"
self_signed inspector5 inspector5 p256 "$entity"
self_signed rsa-tvm8 rsa-tvm8 rsa:2048 "$entity"

self_signed impostors/other-ca 'Other CA' p256 "$authority"
key impostors/same-name-other-ca p256
certify impostors/same-name-other-ca validator37 impostors/other-ca "$entity"
self_signed impostors/same-name validator37 p256 "$entity"

self_signed impostors/expired validator37 p256 "$entity" "$ended"
self_signed impostors/not-yet-valid validator37 p256 "$entity" "$coming"
self_signed impostors/x509-v1 validator37 p256 ''
self_signed impostors/ca-true validator37 p256 'basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash'
self_signed impostors/server-auth-only validator37 p256 'basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth'

self_signed impostors/weak-rsa1024 validator37 rsa:1024 "$entity"
self_signed impostors/sha1-signed validator37 rsa:2048 "$entity" "$living" sha1
self_signed impostors/ed25519 validator37 ed25519 "$entity"
self_signed impostors/p384 validator37 p384 "$entity"

# The authtoken key is one file: the private key, PKCS#8, as `bob-auth` keeps it.
key authtoken p256
mv -f "$out/authtoken.key" "$out/authtoken.pem"

for name in $names; do
    chmod 644 "$out/$name.pem"
done
echo "made $(($(wc -w <<<"$names") * 2 + 1)) files in $out"
