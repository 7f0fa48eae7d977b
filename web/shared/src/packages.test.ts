// `make up` builds these pages on a fresh Debian 12 with Debian's own Node.js: every package must take it.
import { readFileSync } from 'node:fs';
import semver from 'semver';
import { expect, it } from 'vitest';

const debians_node = '18.20.4';
interface Lock {
  packages: Record<string, { engines?: { node?: string } }>;
}

it('every package runs on the Node.js of Debian 12', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as Lock;
  const refuse = Object.entries(lock.packages)
    .filter(([, { engines }]) => engines?.node && !semver.satisfies(debians_node, engines.node))
    .map(([name, { engines }]) => `${name} wants ${engines?.node}`);
  expect(refuse).toEqual([]);
});
