#!/usr/bin/env node
// A partner's service without a proxy: TLS ends here, and the service itself asks `bob-auth verify-server` about each request.
//
// usage: direct.mjs CERTIFICATE KEY VERIFIER_URL [PORT]
//
// CERTIFICATE and KEY are this server's own (PEM). VERIFIER_URL is where the verify server listens, as http://127.0.0.1:9443; its
// [listener.verify] needs `batch = 1` and this machine in trusted_peers. Listens at port 8443 of every address unless said; port
// 0 lets the system choose. Exit codes: 0 told to end, 1 the port is taken, 2 called wrongly. Needs Node.js 20 and no packages.

import { readFileSync } from 'node:fs';
import https from 'node:https';

const TIMEOUT = 5_000; // milliseconds for the verdict

/** The verdict on a request; an error if there is none. Without a clear yes the answer is no. */
async function verdict(verifier, request) {
  const tokens = request.headersDistinct['x-bob-authtoken'] ?? [];
  // Any certificate is taken in the handshake, which proves that the caller has its key; the token says which it must be.
  const raw = request.socket.getPeerCertificate()?.raw;
  if (tokens.length !== 1 || !raw) return { verdict: 'refused', reason: tokens.length === 1 ? 'nothing_presented' : 'no_token' };
  const item = { token: tokens[0], certificate: raw.toString('base64'), method: request.method, path: request.url };
  const answer = await fetch(new URL('/verify', verifier), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ items: [item] }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (answer.status !== 200) throw new Error(`the verify server answers ${answer.status}`);
  const { results } = await answer.json();
  return results[0];
}

async function serve(verifier, request, response) {
  const answer = (status, value) => {
    const body = Buffer.from(JSON.stringify(value));
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    const headers = { 'Content-Type': type, 'Content-Length': body.length, 'Cache-Control': 'no-store' };
    if (status === 401) headers['WWW-Authenticate'] = `BoB error="invalid_token", reason="${value.reason}"`;
    response.writeHead(status, headers).end(body);
  };
  const problem = (status, title, more) => answer(status, { type: 'about:blank', title, status, ...more });
  try {
    const result = await verdict(verifier, request);
    if (result?.verdict === 'accepted') {
      const { pid, entity, class: authz, expires } = result;
      if (request.method !== 'GET' || request.url !== '/validation/v1/status') return problem(404, 'Nothing here');
      return answer(200, { status: 'open', caller: { pid: Number(pid), entityId: entity, class: authz, expires } });
    }
    const { reason } = result;
    const known = ['not_allowed', 'no_rule', 'path_malformed'].includes(reason);
    return known ? problem(403, 'Not allowed', { reason }) : problem(401, 'The token is not accepted', { reason });
  } catch (error) {
    console.error(`direct: no verdict: ${error.message}`);
    return problem(503, 'Nobody can be let in at the moment');
  }
}

const [certificate, key, verifier, port = '8443', more] = process.argv.slice(2);
if (!/^https?:\/\/./.test(verifier ?? '') || !/^\d{1,5}$/.test(port) || Number(port) > 65535 || more !== undefined) {
  console.error('usage: direct.mjs CERTIFICATE KEY VERIFIER_URL [PORT]');
  process.exit(2);
}
const tls = { minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false };
try {
  tls.cert = readFileSync(certificate);
  tls.key = readFileSync(key);
} catch (error) {
  console.error(`direct: ${error.message}`);
  process.exit(2);
}
const server = https.createServer(tls, (request, response) => serve(verifier, request, response));
server.on('error', (error) => {
  console.error(`direct: port ${port}: ${error.code}`);
  process.exit(1);
});
server.listen(Number(port), () => console.log(`listening at https://127.0.0.1:${server.address().port}`));
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
