#!/usr/bin/env node
// A partner's service behind nginx, which asks `bob-auth verify-server` about every request and writes down who is calling.
//
// usage: service.mjs [PORT]
//
// Listens at 127.0.0.1, port 8080 unless said; port 0 lets the system choose. Exit codes: 0 told to end, 1 the port is taken,
// 2 called wrongly. Needs Node.js 20 and no packages.
//
// The names in X-BoB-Pid, X-BoB-Entity and X-BoB-Class are true because nginx overwrites them in every request. Whoever can
// reach this port without nginx can be anybody: it listens on the loopback only, and no stranger may have an account on this
// machine.

import http from 'node:http';

const LARGEST_BODY = 64 * 1024;

/** A refusal, told as a problem document (RFC 9457). */
class Problem extends Error {
  constructor(status, title) {
    super(title);
    this.status = status;
  }
}

/** Who makes a request; or a refusal: in shadow mode nobody is named, and without the proxy nobody vouches for names. */
function callerOf(request) {
  const [pid, entityId, authz, expires] = ['pid', 'entity', 'class', 'expires'].map((name) => {
    const values = request.headersDistinct[`x-bob-${name}`] ?? [];
    if (values.length !== 1) throw new Problem(401, 'Nobody vouches for the caller');
    return values[0];
  });
  if (!/^\d+ \d+$/.test(`${pid} ${expires}`)) throw new Problem(401, 'Nobody vouches for the caller');
  return { pid: Number(pid), entityId, class: authz, expires: Number(expires) };
}

const routes = {
  'GET /validation/v1/status': async (caller) => [200, { status: 'open', caller }],
  'POST /validation/v1/validations': async ({ pid, entityId, class: authz }, request) => {
    if (authz !== 'val') throw new Problem(403, 'Only validators validate');
    const { ticketId } = await document(request);
    if (typeof ticketId !== 'string') throw new Problem(400, 'A ticketId is missing');
    return [201, { ticketId, validatedBy: { pid, entityId } }];
  },
};

async function document(request) {
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length <= LARGEST_BODY) pieces.push(piece);
  }
  // At its end only: an answer before it is a broken connection to nginx, which bounds the length.
  if (length > LARGEST_BODY) throw new Problem(413, 'The body is too long');
  try {
    return JSON.parse(Buffer.concat(pieces)) ?? {};
  } catch {
    throw new Problem(400, 'The body is no JSON');
  }
}

async function serve(request, response) {
  let who = '-';
  let status;
  let value;
  try {
    const caller = callerOf(request);
    who = `${caller.entityId} of ${caller.pid}`;
    const route = routes[`${request.method} ${request.url.split('?')[0]}`];
    if (!route) throw new Problem(404, 'Nothing here');
    [status, value] = await route(caller, request);
  } catch (error) {
    status = error instanceof Problem ? error.status : 500;
    const title = error instanceof Problem ? error.message : 'Something went wrong here';
    value = { type: 'about:blank', title, status };
    if (status === 500) console.error(error);
  }
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, {
    'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  });
  response.end(body);
  console.error(`${status} ${request.method} for ${who}`);
}

const port = process.argv[2] ?? '8080';
if (process.argv.length > 3 || !/^\d{1,5}$/.test(port) || Number(port) > 65535) {
  console.error('usage: service.mjs [PORT]');
  process.exit(2);
}
const server = http.createServer(serve);
server.keepAliveTimeout = 75_000; // longer than nginx keeps its connections
server.on('error', (error) => {
  console.error(`service: port ${port}: ${error.code}`);
  process.exit(1);
});
server.listen(Number(port), '127.0.0.1', () => console.log(`listening at http://127.0.0.1:${server.address().port}`));
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
