#!/usr/bin/env python3
"""A client of BoB: gets a token with its certificate, keeps it, and calls a partner's service with it.

usage: client.py --cert FILE --key FILE --ca FILE [OPTIONS] AUTH_URL ENTITY PARTNER_URL

  --cert, --key FILE  our certificate and its private key (PEM)
  --ca FILE           the CA of the authentication service (PEM)
  --partner-ca FILE   the CA of the partner, if it is another one
  --early SECONDS     ask for a new token so long before the end of the old one; 60 unless said
  --times N           how often to call the partner; once unless said
  --token FILE        show this token instead of asking for one

exit codes: 0 every call was accepted, 1 no answer or a senseless one, 2 called wrongly, 3 no token, 4 the partner refused

Needs Python 3.9 and requests. To copy: everything before `main`.
"""

import argparse
import email.utils
import json
import re
import sys
import threading
import time
from urllib.parse import quote

import requests

TIMEOUT = (5, 10)  # seconds to connect, and between two pieces of an answer
LONGEST_ANSWER = 20  # seconds
LARGEST_ANSWER = 64 * 1024  # bytes
LONGEST_WAIT = 60  # seconds; who says "tomorrow" is believed, but not waited for
TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class NoAnswer(Exception):
    """The other side cannot be reached, is not trusted, or talks nonsense."""


class NoToken(Exception):
    """The authentication service said no."""

    def __init__(self, answer):
        super().__init__(answer.problem())
        self.for_now = answer.status in (429, 503)


class Answer:
    """Status, headers and a body of bounded size."""

    def __init__(self, response, asked):
        self.status = response.status_code
        self.headers = response.headers
        self.asked = asked
        self.body = b""
        # Byte by byte: larger pieces would wait until they are full.
        for byte in response.iter_content(1):
            self.body += byte
            if len(self.body) > LARGEST_ANSWER:
                raise NoAnswer(f"{response.url}: the answer is longer than {LARGEST_ANSWER} bytes")
            if time.monotonic() - asked > LONGEST_ANSWER:
                raise NoAnswer(f"{response.url}: no whole answer in time")

    def json(self):
        """The body, or nothing if it is no JSON object."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def problem(self):
        """What a problem document (RFC 9457) says: its title, and the reason where there is one."""
        document = self.json()
        reason = f" ({document['reason']})" if "reason" in document else ""
        return plain(f"{self.status} {document.get('title', 'without a problem document')}{reason}")


class Door:
    """A service that is spoken to over mutual TLS."""

    def __init__(self, certificate, key, ca):
        self._ca = ca
        self._session = requests.Session()
        self._session.cert = (certificate, key)
        # Else REQUESTS_CA_BUNDLE could take the place of our CA, and .netrc add a password.
        self._session.trust_env = False

    def get(self, url, headers=None):
        """Asks, and asks again after 429 and 503, when the answer wants it; three times at most."""
        for pause in (1, 2, None):
            answer = self._get_once(url, headers)
            if answer.status not in (429, 503) or pause is None:
                return answer
            said = answer.headers.get("Retry-After", "")
            wait = int(said) if re.fullmatch("[0-9]{1,6}", said) else pause
            if wait > LONGEST_WAIT:
                return answer
            note(f"{answer.problem()}; waiting {wait} s")
            time.sleep(wait)

    def _get_once(self, url, headers):
        asked = time.monotonic()
        try:
            # No redirects: they would carry the token to somebody else.
            with self._session.get(
                url, headers=headers, verify=self._ca, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as response:
                return Answer(response, asked)
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise NoAnswer(f"{url}: the server's certificate is not trusted by {self._ca}") from error
            raise NoAnswer(f"{url}: no TLS connection: {error}") from error
        except requests.exceptions.Timeout as error:
            raise NoAnswer(f"{url}: no answer in time") from error
        except (requests.exceptions.RequestException, OSError) as error:
            raise NoAnswer(f"{url}: no answer: {error}") from error


class TokenSource:
    """Our token, asked for when it is needed and kept in memory. Any number of threads may share one."""

    def __init__(self, door, auth_url, entity, early=60):
        self._door = door
        self._url = f"{auth_url.rstrip('/')}/api/v1/auth/{quote(entity, safe='')}"
        self._early = early
        self._lock = threading.Lock()
        self._token = None
        self._until = 0.0  # of time.monotonic(), which nobody sets

    def get(self):
        """A token that counts for a while yet, and whether it is a new one."""
        with self._lock:
            left = self._until - time.monotonic()
            if self._token and left > self._early:
                return self._token, False
            try:
                self._ask()
                return self._token, True
            except (NoAnswer, NoToken) as error:
                # The old one counts to its end, unless we are told that we are not welcome.
                if not self._token or left <= 0 or not getattr(error, "for_now", True):
                    self._token = None
                    raise
                note(f"no new token: {error}; the old one counts for {left:.0f} s yet")
                return self._token, False

    def forget(self):
        """The next one is a new one."""
        with self._lock:
            self._token = None

    def _ask(self):
        answer = self._door.get(self._url)
        if answer.status != 200:
            raise NoToken(answer)
        document = answer.json()
        try:
            token, payload = document["jwtCompact"], document["payload"]
            # By the clock of the service, since ours may be wrong.
            now = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()
            life = min(payload["exp"] - now, payload["exp"] - payload["iat"])
            if not TOKEN.fullmatch(token):
                raise ValueError("no token")
        except (KeyError, TypeError, ValueError) as error:
            raise NoAnswer(f"{self._url}: a 200 without token, exp, iat or Date") from error
        self._token, self._until = token, answer.asked + life
        note(f"a new token, good for {life:.0f} s")


def call_partner(door, url, tokens):
    """The partner's answer. A kept token that it refuses is replaced once: our certificate may have changed since."""
    token, new = tokens.get()
    answer = door.get(url, {"X-BoB-AuthToken": token})
    if answer.status == 401 and not new:
        note(f"the kept token is refused: {answer.problem()}")
        tokens.forget()
        token, _ = tokens.get()
        answer = door.get(url, {"X-BoB-AuthToken": token})
    return answer


def plain(text):
    """Words of others, fit for a terminal: no control characters, and not too many of them."""
    return "".join(c if c.isprintable() else "?" for c in text)[:500]


def note(text):
    """Tells the person; put your logger here."""
    print(f"client: {plain(text)}", file=sys.stderr)


class GivenToken:
    """A token that somebody else asked for."""

    def __init__(self, file):
        with open(file, encoding="ascii") as opened:
            self._token = opened.read(LARGEST_ANSWER).strip()
        if not TOKEN.fullmatch(self._token):
            raise ValueError(f"{file} holds no token")

    def get(self):
        return self._token, True


def https(text):
    if not text.startswith("https://"):
        raise argparse.ArgumentTypeError("an https:// URL is needed")
    return text


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    for name in ("--cert", "--key", "--ca"):
        parser.add_argument(name, required=True, type=argparse.FileType("rb"))
    parser.add_argument("--partner-ca", type=argparse.FileType("rb"))
    parser.add_argument("--early", type=int, default=60)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--token")
    parser.add_argument("auth_url", type=https)
    parser.add_argument("entity")
    parser.add_argument("partner_url", type=https)
    return parser.parse_args()


def main():
    options = arguments()
    authentication = Door(options.cert.name, options.key.name, options.ca.name)
    partner = Door(options.cert.name, options.key.name, (options.partner_ca or options.ca).name)
    try:
        if options.token:
            tokens = GivenToken(options.token)
        else:
            tokens = TokenSource(authentication, options.auth_url, options.entity, options.early)
        for _ in range(options.times):
            answer = call_partner(partner, options.partner_url, tokens)
            if not 200 <= answer.status < 300:
                note(f"the partner refused: {answer.problem()}")
                return 4
            print(answer.status, plain(answer.body.decode(errors="replace").strip()))
    except NoToken as error:
        note(f"no token: {error}")
        return 3
    except (NoAnswer, OSError, ValueError) as error:
        note(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
