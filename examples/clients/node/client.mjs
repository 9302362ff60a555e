#!/usr/bin/env node
// A client of BoB: gets a token with its certificate, keeps it, and calls a partner's service with it.
// Needs Node.js 20 or later and no packages. To copy: everything before `main`.
const USAGE = `usage: client.mjs --cert FILE --key FILE --ca FILE [OPTIONS] AUTH_URL ENTITY PARTNER_URL

  --cert, --key FILE  our certificate and its private key (PEM)
  --ca FILE           the CA of the authentication service (PEM)
  --partner-ca FILE   the CA of the partner, if it is another one
  --early SECONDS     ask for a new token so long before the end of the old one; 60 unless said
  --times N           how often to call the partner; once unless said
  --token FILE        show this token instead of asking for one

exit codes: 0 every call was accepted, 1 no answer or a senseless one, 2 called wrongly, 3 no token, 4 the partner refused`;

import { readFileSync } from 'node:fs';
import https from 'node:https';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const TIMEOUT = 10_000; // milliseconds for a whole answer
const LARGEST_ANSWER = 64 * 1024;
const LONGEST_WAIT = 60; // seconds; who says "tomorrow" is believed, but not waited for
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The other side cannot be reached, is not trusted, or talks nonsense. */
class NoAnswer extends Error {}

/** The authentication service said no. */
class NoToken extends Error {
  constructor(answer) {
    super(problem(answer));
    this.forNow = answer.status === 429 || answer.status === 503;
  }
}

/** A service that is spoken to over mutual TLS. */
class Door {
  #agent;

  constructor(cert, key, ca) {
    // Said explicitly: NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment shall change nothing.
    this.#agent = new https.Agent({ cert, key, ca, keepAlive: true, rejectUnauthorized: true });
  }

  /** Asks, and asks again after 429 and 503, when the answer wants it; three times at most. */
  async get(url, headers = {}) {
    for (const pause of [1, 2, undefined]) {
      const answer = await this.#getOnce(url, headers);
      if (![429, 503].includes(answer.status) || pause === undefined) return answer;
      const said = answer.headers['retry-after'] ?? '';
      const wait = /^\d{1,6}$/.test(said) ? Number(said) : pause;
      if (wait > LONGEST_WAIT) return answer;
      note(`${problem(answer)}; waiting ${wait} s`);
      await sleep(wait * 1000);
    }
  }

  #getOnce(url, headers) {
    const asked = performance.now();
    return new Promise((resolve, reject) => {
      const fail = (error) => reject(error instanceof NoAnswer ? error : new NoAnswer(`${url}: ${cause(error)}`));
      // node:https follows no redirects; they would carry the token to somebody else.
      const request = https.get(url, { agent: this.#agent, headers, signal: AbortSignal.timeout(TIMEOUT) }, (response) => {
        const pieces = [];
        let length = 0;
        response.on('error', fail);
        response.on('data', (piece) => {
          length += piece.length;
          pieces.push(piece);
          if (length > LARGEST_ANSWER) {
            request.destroy(new NoAnswer(`${url}: the answer is longer than ${LARGEST_ANSWER} bytes`));
          }
        });
        response.on('end', () => {
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces).toString(), asked });
        });
      });
      request.on('error', fail);
    });
  }

  close() {
    this.#agent.destroy();
  }
}

function cause(error) {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer in time';
  const code = error.code ?? '';
  if (/CERT|SIGNATURE|ALTNAME/.test(code) && !code.startsWith('ERR_SSL')) return `the server's certificate is not trusted: ${code}`;
  return `no answer: ${code || error.message}`;
}

/** What the body holds, or nothing if it is no JSON object. */
function json(answer) {
  try {
    const value = JSON.parse(answer.body);
    return value !== null && typeof value === 'object' ? value : {};
  } catch {
    return {};
  }
}

/** What a problem document (RFC 9457) says: its title, and the reason where there is one. */
function problem(answer) {
  const { title = 'without a problem document', reason } = json(answer);
  return `${answer.status} ${title}${reason ? ` (${reason})` : ''}`;
}

/** Our token, asked for when it is needed and kept in memory. Callers at the same time share one question. */
class TokenSource {
  #door;
  #url;
  #early;
  #token;
  #until = 0; // of performance.now(), which nobody sets
  #asking;

  constructor(door, authUrl, entity, early = 60) {
    this.#door = door;
    this.#url = `${authUrl.replace(/\/+$/, '')}/api/v1/auth/${encodeURIComponent(entity)}`;
    this.#early = early;
  }

  /** A token that counts for a while yet, and whether it is a new one. */
  async get() {
    const left = (this.#until - performance.now()) / 1000;
    if (this.#token && left > this.#early) return { token: this.#token, isNew: false };
    try {
      this.#asking ??= this.#ask().finally(() => { this.#asking = undefined; });
      await this.#asking;
      return { token: this.#token, isNew: true };
    } catch (error) {
      // The old one counts to its end, unless we are told that we are not welcome.
      if (!this.#token || left <= 0 || error.forNow === false) {
        this.#token = undefined;
        throw error;
      }
      note(`no new token: ${error.message}; the old one counts for ${Math.floor(left)} s yet`);
      return { token: this.#token, isNew: false };
    }
  }

  /** The next one is a new one. */
  forget() {
    this.#token = undefined;
  }

  async #ask() {
    const answer = await this.#door.get(this.#url);
    if (answer.status !== 200) throw new NoToken(answer);
    const { jwtCompact: token, payload } = json(answer);
    // By the clock of the service, since ours may be wrong.
    const now = Date.parse(answer.headers.date) / 1000;
    const life = Math.min(payload?.exp - now, payload?.exp - payload?.iat);
    if (!TOKEN.test(token) || !Number.isFinite(life)) {
      throw new NoAnswer(`${this.#url}: a 200 without token, exp, iat or Date`);
    }
    this.#token = token;
    this.#until = answer.asked + life * 1000;
    note(`a new token, good for ${Math.floor(life)} s`);
  }
}

/** The partner's answer. A kept token that it refuses is replaced once: our certificate may have changed since. */
async function callPartner(door, url, tokens) {
  let { token, isNew } = await tokens.get();
  let answer = await door.get(url, { 'X-BoB-AuthToken': token });
  if (answer.status === 401 && !isNew) {
    note(`the kept token is refused: ${problem(answer)}`);
    tokens.forget();
    ({ token } = await tokens.get());
    answer = await door.get(url, { 'X-BoB-AuthToken': token });
  }
  return answer;
}

/** Words of others, fit for a terminal: no control characters, and not too many of them. */
function plain(text) {
  return String(text).trimEnd().replace(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 500);
}

/** Tells the person; put your logger here. */
function note(text) {
  console.error(`client: ${plain(text)}`);
}

/** A token that somebody else asked for. */
function givenToken(file) {
  const token = readFileSync(file, 'ascii').trim();
  if (!TOKEN.test(token)) throw new Error(`${file} holds no token`);
  return { get: async () => ({ token, isNew: true }) };
}

function options() {
  const text = { type: 'string' };
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      cert: text, key: text, ca: text, 'partner-ca': text, token: text,
      early: { type: 'string', default: '60' }, times: { type: 'string', default: '1' },
    },
  });
  const [authUrl, entity, partnerUrl] = positionals;
  const numbers = /^\d+ \d+$/.test(`${values.early} ${values.times}`);
  if (positionals.length !== 3 || !numbers || !authUrl.startsWith('https://') || !partnerUrl.startsWith('https://')) {
    throw new Error('three words and whole numbers are needed, and URLs with https://');
  }
  const [cert, key, ca, partnerCa] = ['cert', 'key', 'ca', values['partner-ca'] ? 'partner-ca' : 'ca'].map((name) => {
    if (!values[name]) throw new Error(`--${name} is missing`);
    return readFileSync(values[name]);
  });
  return { ...values, cert, key, ca, partnerCa, authUrl, entity, partnerUrl };
}

async function main() {
  let given;
  try {
    given = options();
  } catch (error) {
    console.error(`${plain(error.message)}\n\n${USAGE}`);
    return 2;
  }
  let doors = [];
  try {
    doors = [given.ca, given.partnerCa].map((ca) => new Door(given.cert, given.key, ca));
    const [authentication, partner] = doors;
    const tokens = given.token
      ? givenToken(given.token)
      : new TokenSource(authentication, given.authUrl, given.entity, Number(given.early));
    for (let call = 0; call < Number(given.times); call += 1) {
      const answer = await callPartner(partner, given.partnerUrl, tokens);
      if (answer.status < 200 || answer.status > 299) {
        note(`the partner refused: ${problem(answer)}`);
        return 4;
      }
      console.log(answer.status, plain(answer.body));
    }
    return 0;
  } catch (error) {
    note(error instanceof NoToken ? `no token: ${error.message}` : error.message);
    return error instanceof NoToken ? 3 : 1;
  } finally {
    doors.forEach((door) => door.close());
  }
}

process.exitCode = await main();
