#!/usr/bin/env python3
"""A partner's service behind nginx, which asks `bob-auth verify-server` about every request and writes down who is calling.

usage: service.py [PORT]

Listens at 127.0.0.1, port 8080 unless said; port 0 lets the system choose. Exit codes: 0 told to end, 1 the port is taken,
2 called wrongly. Needs Python 3.9 and nothing else.

The names in X-BoB-Pid, X-BoB-Entity and X-BoB-Class are true because nginx overwrites them in every request. Whoever can reach
this port without nginx can be anybody: it listens on the loopback only, and no stranger may have an account on this machine.
"""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

LARGEST_BODY = 64 * 1024


class Caller(NamedTuple):
    """Who makes a request, as the verifier found it out."""

    pid: int
    entity: str
    authz: str  # the class: val, ins, tvm, pos
    expires: int


class Problem(Exception):
    """A refusal, told as a problem document (RFC 9457)."""

    def __init__(self, status, title):
        super().__init__(title)
        self.status = status
        self.title = title


def caller_of(headers):
    """The caller, or a refusal: in shadow mode nobody is named, and without the proxy nobody vouches for names."""
    values = [headers.get_all(f"X-BoB-{name}", []) for name in ("Pid", "Entity", "Class", "Expires")]
    if any(len(each) != 1 for each in values):
        raise Problem(401, "Nobody vouches for the caller")
    try:
        (pid,), (entity,), (authz,), (expires,) = values
        return Caller(int(pid), entity, authz, int(expires))
    except ValueError as error:
        raise Problem(401, "Nobody vouches for the caller") from error


class Service(BaseHTTPRequestHandler):
    """The routes."""

    protocol_version = "HTTP/1.1"  # nginx keeps its connections
    timeout = 75

    def do_GET(self):
        self.answer({"/validation/v1/status": self.status})

    def do_POST(self):
        self.answer({"/validation/v1/validations": self.validate})

    def status(self, caller, _body):
        named = {"pid": caller.pid, "entityId": caller.entity, "class": caller.authz, "expires": caller.expires}
        return 200, {"status": "open", "caller": named}

    def validate(self, caller, body):
        if caller.authz != "val":
            raise Problem(403, "Only validators validate")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Problem(400, "The body is no JSON") from error
        ticket = document.get("ticketId") if isinstance(document, dict) else None
        if not isinstance(ticket, str):
            raise Problem(400, "A ticketId is missing")
        return 201, {"ticketId": ticket, "validatedBy": {"pid": caller.pid, "entityId": caller.entity}}

    def body(self):
        """All of it, also of what is refused: an answer before its end is a broken connection to nginx, which bounds its length."""
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Problem(411, "How long is the body?")
        left = int(length)
        body = self.rfile.read(min(left, LARGEST_BODY))
        left -= len(body)
        if left == 0:
            return body
        while piece := self.rfile.read(min(left, LARGEST_BODY)):
            left -= len(piece)
        self.close_connection = left > 0
        raise Problem(413, "The body is too long")

    def answer(self, routes):
        who = "-"
        try:
            body = self.body()
            caller = caller_of(self.headers)
            who = f"{caller.entity} of {caller.pid}"
            route = routes.get(self.path.partition("?")[0])
            if route is None:
                raise Problem(404, "Nothing here")
            status, value = route(caller, body)
        except Problem as problem:
            status, value = problem.status, {"type": "about:blank", "title": problem.title, "status": problem.status}
        answer = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer)
        print(f"{status} {self.command} for {who}", file=sys.stderr)

    def log_request(self, code="-", size="-"):
        """Said by answer, with the caller."""


def main():
    port = sys.argv[1] if len(sys.argv) == 2 else "8080" if len(sys.argv) == 1 else ""
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        print("usage: service.py [PORT]", file=sys.stderr)
        return 2
    try:
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), Service)
    except OSError as error:
        print(f"service: port {port}: {error.strerror}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening at http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
