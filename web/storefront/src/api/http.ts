// Requests to the services through the storefront's own origin. Sessions are cookies that no script can read; what
// changes something shows the CSRF token. A 401 is answered once by renewing the session. Errors are Problems.

export interface FieldProblem {
  field: string;
  message: string;
}

/** What a service (or the way to it) said went wrong; RFC 9457. Status 0: no answer came. */
export class Problem extends Error {
  readonly status: number;
  readonly fields: FieldProblem[];

  constructor(status: number, detail: string, fields: FieldProblem[] = []) {
    super(detail);
    this.status = status;
    this.fields = fields;
  }

  /** The service cannot be reached now; the same request may succeed soon. */
  get away(): boolean {
    return this.status === 0 || this.status === 429 || (this.status >= 502 && this.status <= 504);
  }

  at(field: string): string | undefined {
    return this.fields.find((each) => each.field === field || each.field.endsWith(`.${field}`))?.message;
  }
}

type Query = Record<string, string | number | undefined>;

interface Wish {
  query?: Query;
  json?: unknown;
  text?: { type: string; body: string | Blob };
  headers?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Requests about the session itself do not renew it. */
  renews?: 'once' | 'never';
}

export interface Answer<T> {
  body: T;
  etag: string | null;
}

const timeoutMs = 15_000;

export function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

export function cookieNamed(name: string, cookies: string): string {
  for (const part of cookies.split(';')) {
    const at = part.indexOf('=');
    if (part.slice(0, at).trim() === name) return decodeURIComponent(part.slice(at + 1).trim());
  }
  return '';
}

/** Reads what a problem+json body says; anything else becomes words about its status. */
export function problemOf(status: number, body: unknown): Problem {
  const said = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const fields: FieldProblem[] = [];
  for (const each of Array.isArray(said['errors']) ? (said['errors'] as unknown[]) : []) {
    const { field, message } = (each ?? {}) as Record<string, unknown>;
    if (typeof field === 'string' && typeof message === 'string') fields.push({ field, message });
  }
  const detail = typeof said['detail'] === 'string' ? said['detail'] : '';
  return new Problem(status, detail === '' ? wordsFor(status) : detail, fields);
}

function wordsFor(status: number): string {
  if (status === 0) return 'The service cannot be reached. Are you online?';
  if (status === 401) return 'Please log in.';
  if (status === 403) return 'Your account may not do this.';
  if (status === 404) return 'This does not exist, or no longer.';
  if (status === 413) return 'This is too large.';
  if (status === 429) return 'Too many attempts. Please wait a moment.';
  if (status >= 502 && status <= 504) return 'This part of the shop is away for a moment.';
  return `Something went wrong (${status}).`;
}

let renewing: Promise<boolean> | null = null;

/** Renews the session by its refresh cookie; many requests that find it outdated share one attempt. */
export function renewSession(): Promise<boolean> {
  renewing ??= send('POST', '/api/auth/refresh', { json: {} })
    .then((response) => response.ok)
    .catch(() => false)
    .finally(() => {
      renewing = null;
    });
  return renewing;
}

async function send(method: string, path: string, wish: Wish): Promise<Response> {
  const headers = new Headers({ Accept: 'application/json', ...wish.headers });
  let body: string | Blob | null = null;
  if (wish.json !== undefined) {
    headers.set('Content-Type', 'application/json');
    body = JSON.stringify(wish.json);
  } else if (wish.text) {
    headers.set('Content-Type', wish.text.type);
    body = wish.text.body;
  }
  if (method !== 'GET') headers.set('X-CSRF-Token', cookieNamed('csrf', document.cookie));
  const limit = AbortSignal.timeout(wish.timeoutMs ?? timeoutMs);
  const signal = wish.signal ? either(wish.signal, limit) : limit;
  return await fetch(withQuery(path, wish.query), { method, headers, body, signal, credentials: 'same-origin' });
}

/** AbortSignal.any is younger than some phones. */
function either(one: AbortSignal, other: AbortSignal): AbortSignal {
  const both = new AbortController();
  for (const signal of [one, other]) {
    if (signal.aborted) both.abort(signal.reason);
    signal.addEventListener('abort', () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}

let signedOut: () => void = () => undefined;

/** Who is told when a request finds that the session has ended. */
export function onSignedOut(told: () => void): void {
  signedOut = told;
}

export async function ask<T>(method: string, path: string, wish: Wish = {}): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await send(method, path, wish);
    if (response.status === 401 && wish.renews !== 'never' && (await renewSession())) {
      response = await send(method, path, wish);
    }
  } catch (error) {
    if (wish.signal?.aborted) throw error;
    throw problemOf(0, null);
  }
  if (response.status === 401 && wish.renews !== 'never') signedOut();
  const type = response.headers.get('Content-Type') ?? '';
  const body: unknown = type.includes('json') ? await response.json().catch(() => null) : null;
  if (!response.ok) throw problemOf(response.status, body);
  return { body: body as T, etag: response.headers.get('ETag') };
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await ask<T>('GET', path, { ...(query && { query }), ...(signal && { signal }) })).body;
}

export async function post<T>(path: string, json: unknown, headers: Record<string, string> = {}): Promise<T> {
  return (await ask<T>('POST', path, { json, headers })).body;
}
