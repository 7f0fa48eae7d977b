// How each of the pages is built, into build/web/NAME. Nothing is inlined, so that a policy without inline script and
// style holds.
import { fileURLToPath } from 'node:url';
import type { UserConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const services = process.env['SERVICES'] ?? 'http://127.0.0.1:8080';

/** `base` is where the pages are served: "./" for anywhere. */
export function pagesConfig(name: string, base: string): UserConfig {
  return {
    root: here(name),
    base,
    resolve: { alias: { '@shared': here('shared/src') } },
    publicDir: here('shared/public'),
    esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
    build: {
      outDir: here(`../build/web/${name}`),
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: true,
    },
    server: { proxy: { '/api': services, '/live': { target: services, ws: true } } },
  };
}
