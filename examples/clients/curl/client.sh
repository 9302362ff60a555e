#!/bin/sh
# A client of BoB: gets a token with its certificate, keeps it in a file, and calls a partner's service with it.
# Needs a POSIX shell, curl 7.83 or later, and jq.
set -u

usage() {
    cat >&2 <<'TEXT'
usage: client.sh --cert FILE --key FILE --ca FILE --cache FILE [OPTIONS] AUTH_URL ENTITY PARTNER_URL

  --cert, --key FILE  our certificate and its private key (PEM)
  --ca FILE           the CA of the authentication service (PEM)
  --cache FILE        where the token is kept; nobody else can read it
  --partner-ca FILE   the CA of the partner, if it is another one
  --early SECONDS     ask for a new token so long before the end of the old one; 60 unless said
  --times N           how often to call the partner; once unless said
  --token FILE        show this token instead of asking for one

exit codes: 0 every call was accepted, 1 no answer or a senseless one, 2 called wrongly, 3 no token, 4 the partner refused
TEXT
    exit 2
}

cert='' key='' ca='' cache='' partner_ca='' early=60 times=1 given=''
while [ $# -gt 0 ]; do
    case $1 in --*) [ $# -ge 2 ] || usage ;; *) break ;; esac
    case $1 in
        --cert) cert=$2 ;;
        --key) key=$2 ;;
        --ca) ca=$2 ;;
        --cache) cache=$2 ;;
        --partner-ca) partner_ca=$2 ;;
        --early) early=$2 ;;
        --times) times=$2 ;;
        --token) given=$2 ;;
        *) usage ;;
    esac
    shift 2
done
[ $# = 3 ] && [ -n "$cache$given" ] || usage
case $1$3 in https://*https://*) ;; *) usage ;; esac
case ${early:-x}${times:-x} in *[!0-9]*) usage ;; esac
for file in "$cert" "$key" "$ca" "${partner_ca:=$ca}"; do
    [ -r "$file" ] || { echo "client: cannot read '$file'" >&2; exit 2; }
done
partner_url=$3
auth_url=${1%/}/api/v1/auth/$(jq -nr --arg id "$2" '$id | @uri')

umask 077 # the token is nobody else's
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Words of others, fit for a terminal: no control characters, and not too many of them.
plain() { jq -Rrs 'sub("\\s+$"; "") | gsub("[\\p{Cc}\\p{Cf}]"; "?") | .[:500]'; }
note() { printf 'client: %s\n' "$*" | plain >&2; }

# What a problem document (RFC 9457) says: its title, and the reason where there is one.
problem() {
    said=$(jq -r '(.title // "without a problem document") + (if .reason then " (\(.reason))" else "" end)' \
        "$scratch/body" 2>"$scratch/errors")
    printf '%s %s' "$status" "${said:-without a problem document}"
}

# ask_once CA URL [HEADER]: the body to $scratch/body, the rest to $status, $date and $retry_after. No redirects: they would
# carry the token to somebody else. The header goes through a file: everybody can see the words of a command.
ask_once() {
    printf '%s\n' "${3-}" >"$scratch/headers"
    : >"$scratch/body"
    said=$(
        exec 2>"$scratch/errors"
        ulimit -f 256 # a body of 128 KB is too long, whether its length is announced or not
        curl -q --silent --show-error --cacert "$1" --cert "$cert" --key "$key" --header "@$scratch/headers" \
            --connect-timeout 5 --max-time 10 --output "$scratch/body" \
            --write-out '%{http_code}|%header{retry-after}|%header{date}' -- "$2"
    )
    case $? in
        0) ;;
        60) note "$2: the server's certificate is not trusted by $1"; return 1 ;;
        *) note "$2: no answer: $(sed -n '$s/^curl: //;$p' "$scratch/errors")"; return 1 ;;
    esac
    status=${said%%|*} said=${said#*|}
    retry_after=${said%%|*} date=${said#*|}
}

# The same; who is busy (429, 503) is asked again after Retry-After, three times in all at most. "Tomorrow" is not waited for.
ask() {
    for pause in 1 2 -; do
        ask_once "$@" || return 1
        case $status$pause in 429- | 503-) return 0 ;; 429* | 503*) ;; *) return 0 ;; esac
        case $retry_after in '' | *[!0-9]*) retry_after=$pause ;; ??????*) return 0 ;; esac
        [ "$retry_after" -le 60 ] || return 0
        note "$(problem); waiting $retry_after s"
        sleep "$retry_after"
    done
}

# new_token: asks for one, and keeps it. Exit code 1 or 3 if there is none.
new_token() {
    asked=$(date +%s)
    ask "$ca" "$auth_url" || return 1
    [ "$status" = 200 ] || return 3
    # How long it counts, by the clock of the service: ours may be wrong.
    said=$(jq -r --arg date "$date" '
        ($date | strptime("%a, %d %b %Y %H:%M:%S GMT") | mktime) as $now
        | ([.payload.exp - $now, .payload.exp - .payload.iat] | min | floor | tostring) + " "
          + (.jwtCompact | select(test("^[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]+$")))' \
        "$scratch/body" 2>"$scratch/errors")
    [ -n "$said" ] || { note "$auth_url: a 200 without token, exp, iat or Date"; return 1; }
    token=${said#* } until=$((asked + ${said%% *})) new=yes
    # Whole or not at all, for others who read it now.
    if whole=$(mktemp "$cache.XXXXXX" 2>"$scratch/errors"); then
        printf '%s %s %s\n' "$asked" "$until" "$token" >"$whole" && mv -f "$whole" "$cache" || rm -f "$whole"
    else
        note "$cache cannot be written"
    fi
    note "a new token, good for ${said%% *} s"
}

# get_token: into $token, from the cache while it counts for a while yet.
get_token() {
    asked='' until=0 token='' new=no
    if [ -n "$given" ]; then token=$(head -c 65536 "$given") new=yes; return; fi
    [ ! -r "$cache" ] || read -r asked until token <"$cache"
    now=$(date +%s)
    case $asked$until in '' | *[!0-9]*) token='' ;; esac
    # What was kept in the future was kept by another clock.
    if [ -z "$token" ] || [ "$asked" -gt "$now" ]; then token='' until=0; fi
    [ -z "$token" ] || [ $((until - now)) -le "$early" ] || return 0
    old=$token until_old=$until
    new_token && return
    code=$?
    # The old one counts to its end, unless we are told that we are not welcome.
    case $code in 1) why='no answer' ;; *) why=$(problem) ;; esac
    case $code$status in 1* | 3429 | 3503) counts=$((until_old - now)) ;; *) counts=0 ;; esac
    if [ -n "$old" ] && [ "$counts" -gt 0 ]; then
        note "no new token: $why; the old one counts for $counts s yet"
        token=$old
        return 0
    fi
    rm -f "$cache"
    note "no token: $why"
    exit "$code"
}

call_partner() { ask "$partner_ca" "$partner_url" "X-BoB-AuthToken: $token" || exit 1; }

status=''
while [ "$times" -gt 0 ]; do
    times=$((times - 1))
    get_token
    call_partner
    if [ "$status" = 401 ] && [ "$new" = no ]; then
        # Our certificate may have changed since it was kept.
        note "the kept token is refused: $(problem)"
        rm -f "$cache"
        get_token
        call_partner
    fi
    case $status in 2??) ;; *) note "the partner refused: $(problem)"; exit 4 ;; esac
    printf '%s %s\n' "$status" "$(plain <"$scratch/body")"
done
