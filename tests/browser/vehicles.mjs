// The vehicles page in a real browser: list, search, sort, pages, add, edit, delete; nothing from elsewhere, no
// script, no error on the console; on a desktop and a phone, light and dark.
//
//   node vehicles.mjs PROGRAM|URL [FOLDER]     FOLDER gets screenshots
//
// Ends with 0 when all is well, 77 when there is no browser here (and says so).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const browserPath = '/usr/bin/chromium';
const [what, shots] = process.argv.slice(2);
if (!what) throw new Error('usage: node vehicles.mjs PROGRAM|URL [FOLDER]');

let chromium;
try {
  ({ chromium } = await import('playwright-core'));
} catch {
  skip('playwright-core is not installed: run `npm install` in tests/browser');
}
if (!existsSync(browserPath)) skip(`there is no ${browserPath}: install the Debian package chromium`);

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}

/** Starts the program on a port of its choice; the address it listens on. */
function start(program) {
  const environment = { ...process.env, PORT: '0', ADDRESS: '127.0.0.1', DATABASE_URL: 'sqlite::memory:', APP_VERSION: '1' };
  // It is killed when this test is.
  const service = spawn('setpriv', ['--pdeathsig', 'KILL', program], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const address = new Promise((resolve, reject) => {
    let log = '';
    service.stdout.on('data', (bytes) => {
      log += bytes;
      const port = /"message":"listening".*"port":(\d+)/.exec(log);
      if (port) resolve(`http://127.0.0.1:${port[1]}`);
    });
    service.on('exit', (code) => reject(new Error(`${program} ended with ${code}: ${log}`)));
  });
  return { service, address };
}

const samples = [
  ['Family estate, one owner', 'Volvo', 'V60', 2021, 28950, 'Full service history, tow bar, winter tyres on alloys. Non-smoker car, always parked indoors.'],
  ['City runabout', 'Fiat', '500', 2018, 8490.5, 'Small, cheerful, easy to park.'],
  ['Electric saloon', 'Tesla', 'Model 3', 2023, 36900, 'Long range, white interior.'],
  ['Weekend convertible', 'Mazda', 'MX-5', 2016, 15750, ''],
  ['Work van', 'Ford', 'Transit', 2019, 17200, 'Shelves fitted, three seats.'],
  ['Hot hatch', 'Volkswagen', 'Golf GTI', 2020, 26990.99, 'Manual, black, panoramic roof.'],
];

async function fill(address) {
  for (const [name, brand, model, year, price, description] of samples) {
    const answer = await fetch(`${address}/vehicles`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name, brand, model, year, price, description }),
    });
    assert.equal(answer.status, 201, await answer.text());
  }
}

async function tour(browser, address) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const complaints = [];
  // Chromium itself complains about the 422 that the wrong form is meant to get.
  const expected = /status of 422/;
  page.on('console', (message) => message.type() === 'error' && !expected.test(message.text()) && complaints.push(message.text()));
  page.on('request', (request) => request.url().startsWith(address) || complaints.push(`asks elsewhere: ${request.url()}`));
  const rows = page.locator('tbody tr');

  await page.goto(address);
  await page.getByRole('heading', { name: 'All vehicles' }).waitFor();
  assert.equal(await rows.count(), samples.length);
  assert.match(await page.locator('footer').innerText(), /version 1/);

  await page.getByLabel('Search').fill('golf');
  await page.getByRole('button', { name: 'Show' }).click();
  assert.equal(await rows.count(), 1);
  assert.match(await rows.first().innerText(), /26,990\.99/);
  await page.getByLabel('Search').fill('');
  await page.getByLabel('Sort by').selectOption('price');
  await page.getByRole('button', { name: 'Show' }).click();
  assert.match(await rows.first().innerText(), /City runabout/);
  await page.getByRole('link', { name: /^Price/ }).click();
  assert.match(await rows.first().innerText(), /Electric saloon/);

  await page.getByRole('link', { name: 'Add vehicle' }).click();
  await page.getByLabel('Name').fill('Classic <i>coupé</i>');
  await page.getByLabel('Brand').fill('Jaguar');
  await page.getByLabel('Model').fill('E-Type');
  await page.getByLabel('Year').fill('1700');
  await page.getByLabel('Price').fill('98000.50');
  await page.getByRole('button', { name: 'Add vehicle' }).click();
  assert.match(await page.locator('#year-problem').innerText(), /from 1886 to 2100/);
  await page.screenshot(picture('form-problem'));
  await page.getByLabel('Year').fill('1965');
  await page.getByRole('button', { name: 'Add vehicle' }).click();
  await page.getByRole('status').filter({ hasText: 'added' }).waitFor();
  assert.equal(await rows.count(), samples.length + 1);
  assert.match(await rows.first().innerText(), /Classic <i>coupé<\/i>/);

  await page.getByRole('link', { name: 'Edit Classic' }).click();
  await page.getByLabel('Price').fill('97000');
  await page.getByLabel('Description').fill('Restored.');
  await page.screenshot(picture('form'));
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByRole('status').filter({ hasText: 'saved' }).waitFor();
  assert.match(await rows.first().innerText(), /97,000\.00/);

  await page.getByRole('link', { name: 'Delete Classic' }).click();
  await page.screenshot(picture('delete'));
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('status').filter({ hasText: 'deleted' }).waitFor();
  assert.equal(await rows.count(), samples.length);

  await page.goto(`${address}/?per_page=4`);
  await page.getByRole('link', { name: 'Next' }).click();
  assert.equal(await rows.count(), samples.length - 4);
  assert.match(await page.getByRole('navigation').innerText(), /Page 2 of 2/);
  assert.deepEqual(complaints, []);

  await page.goto(`${address}/vehicles/999999`);
  await page.getByRole('heading', { name: 'Not found' }).waitFor();
  await page.screenshot(picture('not-found'));
  await page.close();
}

async function looks(browser, address) {
  for (const [size, viewport] of [['desktop', { width: 1280, height: 800 }], ['phone', { width: 390, height: 844 }]]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport, colorScheme });
      for (const [name, path] of [['list', '/'], ['edit', '/vehicles/1'], ['nothing', '/?q=zeppelin']]) {
        await page.goto(address + path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(wide, 0, `${name} scrolls sideways on a ${size}`);
        await page.screenshot(picture(`${name}-${size}-${colorScheme}`, size === 'phone'));
      }
      await page.close();
    }
  }
}

function picture(name, fullPage = false) {
  if (!shots) return {};
  mkdirSync(shots, { recursive: true });
  return { path: join(shots, `${name}.png`), fullPage };
}

const profile = mkdtempSync(join(tmpdir(), 'slipway-browser-'));
const own = what.startsWith('http') ? null : start(what);
let context;
try {
  const address = own ? await own.address : what.replace(/\/$/, '');
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
  const browser = await chromium.launch({ executablePath: browserPath, headless: true, args, env: { ...process.env, HOME: profile } });
  context = browser;
  await fill(address);
  await tour(browser, address);
  await looks(browser, address);
  console.log('the vehicles page works');
} finally {
  await context?.close();
  own?.service.removeAllListeners('exit');
  own?.service.kill('SIGTERM');
  rmSync(profile, { recursive: true, force: true });
}
