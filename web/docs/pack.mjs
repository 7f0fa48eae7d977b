// Puts the API page together in build/web/docs: our two files and three of Swagger UI's, each beside itself in gzip.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const theirs = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const out = join(here, '../../build/web/docs');

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const [folder, names] of [[here, ['index.html', 'start.js']], [theirs, ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png', 'LICENSE']]]) {
  for (const name of names) {
    // Their maps are not packed, so nothing should ask for them.
    const bytes = name.endsWith('.png') ? readFileSync(join(folder, name)) : Buffer.from(readFileSync(join(folder, name), 'utf8').replace(/\n(\/\/|\/\*)# sourceMappingURL=.*$/m, '\n'));
    writeFileSync(join(out, name), bytes);
    if (!name.endsWith('.png')) writeFileSync(join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  }
}
