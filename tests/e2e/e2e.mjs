// The automotive platform as its users meet it: every service as a process, the pages in Chromium, mail to a real sink.
//
//   node e2e.mjs BUILD_FOLDER [STORY...]
//
// Ends with 0 when all is well, 77 when it cannot run here (and says why).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buys, buysByKeyboard, cancels, letsItExpire, waits } from './buyer.mjs';
import { grants, imports, survives } from './dealer.mjs';
import { isLight, keepsTheme, looksWell } from './looks.mjs';
import { openStage, skip } from './stage.mjs';

const [build, ...only] = process.argv.slice(2);
if (!build) throw new Error('usage: node e2e.mjs BUILD_FOLDER [STORY...]');
if (Number(process.versions.node.split('.')[0]) < 18) skip('it needs Node.js 18 or newer');

const stage = await openStage(build);
let person = null;
const stories = {
  buys: async () => { person = await buys(stage); },
  cancels: () => cancels(stage, person),
  waits: () => waits(stage, person),
  keyboard: () => buysByKeyboard(stage, person),
  imports: () => imports(stage),
  grants: () => grants(stage),
  survives: () => survives(stage),
  light: () => isLight(stage),
  theme: () => keepsTheme(stage),
  looks: () => looksWell(stage, person),
  expires: () => letsItExpire(stage, person),
};

let failed = 0;
try {
  for (const [name, story] of Object.entries(stories)) {
    // The first story makes the buyer whom others need.
    if (only.length > 0 && name !== 'buys' && !only.includes(name)) continue;
    const begin = Date.now();
    try {
      await story();
      assert.deepEqual(stage.complaints.splice(0), []);
      console.log(`${name}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
    } catch (error) {
      ++failed;
      console.log(`${name} FAILED: ${error.stack}`);
      for (const complaint of stage.complaints.splice(0)) console.log(`  heard: ${complaint}`);
      await stage.showOpenPages(name);
      if (name === 'buys') break;
    }
  }
} finally {
  if (failed > 0) {
    for (const name of Object.keys(stage.services.services)) {
      const lines = readFileSync(join(stage.services.logs, `${name}.log`), 'utf8').split('\n').filter((line) => /"level":"(error|warn)/.test(line));
      if (lines.length > 0) console.log(`${name} said:\n  ${lines.slice(-5).join('\n  ')}`);
    }
  }
  await stage.close();
}
if (failed > 0) process.exit(1);
console.log('the platform works from end to end');
