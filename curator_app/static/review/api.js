/* Every call to the server. An answer is JSON; everything else is an ApiError that says what went wrong. */

const TIMEOUT_MS = 15_000;

/** What a call can end in. `kind`: unreachable (no server answered), signed_out, refused (4xx), failed (5xx and the like). */
export class ApiError extends Error {
  constructor(kind, status, code, message, fields = [], retryAfterS = 0) {
    super(message);
    Object.assign(this, { kind, status, code, fields, retryAfterS });
  }
}

/** Send one request. Throws ApiError. `keepalive` lets it outlive the page. */
export async function call(method, path, body, { keepalive = false, timeout = TIMEOUT_MS } = {}) {
  const headers = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let reply;
  try {
    reply = await fetch(path, {
      method, headers, keepalive, credentials: 'same-origin', redirect: 'manual', cache: 'no-store',
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: keepalive ? undefined : AbortSignal.timeout(timeout),
    });
  } catch {
    throw new ApiError('unreachable', 0, 'unreachable', 'The server did not answer.');
  }
  return readReply(reply);
}

async function readReply(reply) {
  if (reply.status === 204) return null;
  let data = null;
  try { data = await reply.json(); } catch { /* a proxy's page, or a cut connection: judged below by its status */ }
  if (reply.ok && data !== null) return data;
  const error = data?.error;
  const message = typeof error?.message === 'string' ? error.message : `The server answered ${reply.status || 'nothing usable'}.`;
  const retryAfterS = Number(reply.headers.get('Retry-After')) || 0;
  throw new ApiError(kindOf(reply, error), reply.status, error?.code || 'unknown', message, error?.fields || [], retryAfterS);
}

function kindOf(reply, error) {
  if (reply.status === 401 || reply.type === 'opaqueredirect') return 'signed_out';
  if (!error && (reply.ok || [502, 503, 504].includes(reply.status))) return 'unreachable'; // a proxy in front of a server that is away
  if (reply.status >= 500 || reply.status === 429 || reply.status === 408) return 'failed';
  return 'refused';
}

const V1 = '/api/v1';
export const api = {
  me: () => call('GET', `${V1}/me`),
  savePreferences: (preferences) => call('PUT', `${V1}/me/preferences`, preferences),
  progress: (kind) => call('GET', `${V1}/progress?kind=${encodeURIComponent(kind)}`),
  guidelines: (kind) => call('GET', `${V1}/guidelines/${encodeURIComponent(kind)}`),
  claim: (kind, count, holder) => call('POST', `${V1}/claims`, { kind, count, holder }),
  renew: (id) => call('POST', `${V1}/claims/${encodeURIComponent(id)}/renew`),
  release: (id, options) => call('POST', `${V1}/claims/${encodeURIComponent(id)}/release`, undefined, options),
  skip: (id, options) => call('POST', `${V1}/claims/${encodeURIComponent(id)}/skip`, undefined, options),
  unskip: (kind) => call('POST', `${V1}/claims/unskip`, { kind }),
  draft: (id, body, options) => call('PUT', `${V1}/claims/${encodeURIComponent(id)}/draft`, body, options),
  flag: (id, note) => call('POST', `${V1}/claims/${encodeURIComponent(id)}/flag`, { note }),
  submit: (body, options) => call('POST', `${V1}/reviews`, body, options),
  lockGuess: (id, body) => call('POST', `${V1}/leakage/${encodeURIComponent(id)}/guess`, body),
  lockFindings: (id, body) => call('POST', `${V1}/leakage/${encodeURIComponent(id)}/findings`, body),
  submitCheck: (body, options) => call('POST', `${V1}/leakage/reviews`, body, options),
  settleCheck: (body, options) => call('POST', `${V1}/leakage/adjudications`, body, options),
  suggestions: (reviewId) => call('POST', `${V1}/reviews/${reviewId}/suggestions`),
  submitFailures: (body, options) => call('POST', `${V1}/failures`, body, options),
  submitAudit: (body, options) => call('POST', `${V1}/audits`, body, options),
  undo: (body) => call('POST', `${V1}/reviews/undo`, body),
  ping: () => call('GET', '/healthz', undefined, { timeout: 4000 }),
};

/** What is sent of `work`: the `body` with its time and a key. The same answers sent again keep their key, so that they are stored once. */
export function addressBody(work, body) {
  const same = work.failed && JSON.stringify(work.failed.body) === JSON.stringify(body);
  const key = same ? work.failed.key : uuid();
  return { body, key, sent: { ...body, seconds: Math.min(86_400, Math.round(work.seconds * 100) / 100), idempotency_key: key } };
}

/** A random UUID, also where the page is not a secure context and crypto.randomUUID is missing (plain http in a LAN). */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
