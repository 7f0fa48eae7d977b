// How the pages look: each main page on a desktop and a phone, light and dark, into build/screenshots; nothing scrolls
// sideways down to 360 px, nothing jumps while a page loads, axe-core finds nothing serious, and little is loaded.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { fillCard, goodCard, openAvailable, poorCard, stateIs } from './buyer.mjs';
import { pictures } from './stage.mjs';

const scriptMax = 60 * 1024;
const shiftMax = 0.005;

async function ordersOf(stage, person) {
  const page = await stage.visitor();
  await stage.logIn(page, person);
  const order = async () => {
    await openAvailable(page, stage.shop);
    await page.getByRole('button', { name: 'Reserve and buy' }).click();
    await stateIs(page, 'Reserved');
    return page.url();
  };
  const confirmed = await order();
  await fillCard(page, goodCard);
  await page.getByRole('button', { name: /^Pay / }).click();
  await stateIs(page, 'Confirmed');
  const declined = await order();
  await fillCard(page, poorCard);
  await page.getByRole('button', { name: /^Pay / }).click();
  await stateIs(page, 'Payment declined');
  const open = await order();
  const state = await page.context().storageState();
  await page.context().close();
  return { open, declined, confirmed, state };
}

async function stateOf(stage, role) {
  const page = await stage.visitor();
  await stage.logIn(page, stage.person(role));
  const state = await page.context().storageState();
  await page.context().close();
  return state;
}

async function takeAll(stage, pages, size, colorScheme) {
  const folder = pictures();
  const found = [];
  for (const { name, url, ready, state, phoneWhole = true } of pages) {
    const page = await stage.visitor({ size, colorScheme, expects: [404], reducedMotion: 'reduce' });
    await page.addInitScript(() => {
      globalThis.shift = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => (globalThis.shift += entry.hadRecentInput ? 0 : entry.value))).observe({ type: 'layout-shift', buffered: true });
    });
    if (state) await page.context().addCookies(state.cookies);
    await page.goto(url);
    await page.locator(ready).first().waitFor();
    await page.waitForLoadState('load');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) found.push(`${name} scrolls sideways by ${wide} on a ${size}`);
    if (size !== 'small') await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: phoneWhole && size === 'phone' });
    const shift = await page.evaluate(() => globalThis.shift);
    if (shift > shiftMax) found.push(`${name} jumps by ${shift.toFixed(3)} on a ${size}`);
    const serious = await stage.seriousProblems(page);
    found.push(...serious.map((words) => `${name}, ${size}, ${colorScheme}: ${words}`));
    await page.context().close();
  }
  return found;
}

export async function isLight(stage) {
  for (const name of ['storefront', 'insights']) {
    const page = await stage.visitor();
    const scripts = [];
    page.on('response', (response) => response.url().endsWith('.js') && scripts.push(response.body()));
    await page.goto(stage.url(name));
    await page.waitForLoadState('networkidle').catch(() => undefined);
    const sizes = (await Promise.all(scripts)).map((body) => gzipSync(body).length);
    const sum = sizes.reduce((total, size) => total + size, 0);
    assert.ok(sum > 0 && sum < scriptMax, `${name} begins with ${sum} bytes of script`);
    console.log(`  ${name} begins with ${(sum / 1024).toFixed(1)} KB of script, compressed`);
    await page.context().close();
  }
}

/** The theme that was chosen stays, from the first paint on. */
export async function keepsTheme(stage) {
  const page = await stage.visitor();
  await page.goto(stage.shop);
  await page.getByRole('button', { name: 'Use dark colours' }).click();
  await page.goto(`${stage.shop}/login`);
  await page.getByRole('button', { name: 'Use light colours' }).waitFor();
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
  await page.context().close();
}

export async function looksWell(stage, person) {
  const { open, declined, confirmed, state } = await ordersOf(stage, person);
  const dealer = await stateOf(stage, 'dealer');
  const admin = await stateOf(stage, 'admin');
  const at = (path) => stage.shop + path;
  const pages = [
    { name: 'catalogue', url: at('/'), ready: '.vehicle-card .art', phoneWhole: false },
    { name: 'nothing-found', url: at('/?q=zeppelin'), ready: '.empty' },
    { name: 'vehicle', url: at('/vehicles/1'), ready: '.vehicle .art' },
    { name: 'missing', url: at('/nowhere'), ready: '.empty' },
    { name: 'login', url: at('/login'), ready: 'form .button' },
    { name: 'signup', url: at('/signup'), ready: 'form .button' },
    { name: 'order-open', url: open, ready: '.history li', state },
    { name: 'order-declined', url: declined, ready: '.history li', state },
    { name: 'order-confirmed', url: confirmed, ready: '.history li', state },
    { name: 'orders', url: at('/orders'), ready: '.order-row', state },
    { name: 'notifications', url: at('/notifications'), ready: '.notice', state },
    { name: 'account', url: at('/account'), ready: '.facts', state },
    { name: 'dealer-stock', url: at('/dealer'), ready: '.stock-row', state: dealer },
    { name: 'dealer-sales', url: at('/dealer/sales'), ready: 'h1', state: dealer },
    { name: 'dealer-edit', url: at('/dealer/vehicles/new'), ready: 'form', state: dealer },
    { name: 'dealer-import', url: at('/dealer/import'), ready: 'form textarea', state: dealer },
    { name: 'admin', url: at('/admin'), ready: '.user-row', state: admin },
    { name: 'insights', url: stage.url('insights'), ready: '.columns-frame svg' },
  ];
  const found = [];
  for (const size of ['desktop', 'phone']) {
    for (const colorScheme of ['light', 'dark']) found.push(...(await takeAll(stage, pages, size, colorScheme)));
  }
  found.push(...(await takeAll(stage, pages, 'small', 'light')));
  assert.deepEqual(found, []);
}
