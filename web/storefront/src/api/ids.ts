// Keys that make a repeated request safe.

/** A key for Idempotency-Key. crypto.randomUUID exists only on secure origins; random bytes exist everywhere. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
