// What every story of the end-to-end test stands on: the services as processes, Chromium, and a watch over each page
// for errors on its console, requests to elsewhere, and violations of its policy.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const require = createRequire(join(root, 'web', 'package.json'));
const browserPath = '/usr/bin/chromium';

export function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}

function packages() {
  try {
    return { chromium: require('playwright-core').chromium, axe: readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8') };
  } catch {
    return skip('playwright-core and axe-core are not installed: run `make web`');
  }
}

/** The services, and a way to tell their keeper what to do with one. */
async function startServices(build, data) {
  // Debian's own Python is the one that has aiosmtpd.
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
  const keeper = spawn(python, [join(here, 'services.py'), build, data], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: keeper.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => keeper.on('exit', resolve));
  const first = await lines.next();
  if (first.done) throw new Error('the services did not start');
  const started = JSON.parse(first.value);
  if (started.missing) skip(`not built in ${build}: ${started.missing.join(' ')}`);
  return {
    ...started,
    async tell(words) {
      keeper.stdin.write(`${words}\n`);
      assert.equal((await lines.next()).value, 'done', words);
    },
    async stop() {
      keeper.stdin.end();
      await ended;
    },
  };
}

export async function openStage(build) {
  const { chromium, axe } = packages();
  if (!existsSync(browserPath)) skip(`there is no ${browserPath}: install the Debian package chromium`);
  for (const pages of ['storefront', 'insights']) {
    if (!existsSync(join(root, 'build', 'web', pages, 'index.html'))) skip('the pages are not built: run `make web`');
  }
  const data = mkdtempSync(join(tmpdir(), 'slipway-e2e-'));
  const services = await startServices(build, data);
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
  const browser = await chromium.launch({ executablePath: browserPath, headless: true, args, env: { ...process.env, HOME: data } });
  return new Stage(services, browser, axe, data);
}

class Stage {
  constructor(services, browser, axe, data) {
    Object.assign(this, { services, browser, axe, data, complaints: [] });
    this.shop = services.services.storefront;
  }

  url(name) {
    return this.services.services[name];
  }

  /** A visitor with a browser of their own. `expects` are statuses that the story provokes. */
  async visitor({ size = 'desktop', colorScheme = 'light', expects = [], reducedMotion = 'no-preference' } = {}) {
    const context = await this.browser.newContext({ viewport: sizes[size], colorScheme, reducedMotion, locale: 'en-GB' });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    this.watch(page, expects);
    return page;
  }

  watch(page, expects) {
    const complain = (what) => this.complaints.push(`${page.url()}: ${what}`);
    const expected = expects.length > 0 ? new RegExp(`status of (${expects.join('|')})\\b`) : null;
    page.on('console', (message) => {
      if (message.type() === 'error' && !expected?.test(message.text())) complain(message.text());
    });
    page.on('pageerror', (error) => complain(error.message));
    const ours = Object.values(this.services.services).flatMap((url) => [url, url.replace('http', 'ws')]);
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith('blob:') && !url.startsWith('data:') && !ours.some((own) => url.startsWith(own))) complain(`asks elsewhere: ${url}`);
    });
    return page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
  }

  /** What axe-core finds that is serious or critical, in words. */
  async seriousProblems(page) {
    await page.evaluate(this.axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    return serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join('\n    ')}`);
  }

  async accessible(page, what) {
    assert.deepEqual(await this.seriousProblems(page), [], `axe-core on ${what}`);
  }

  /** A user of the story's own, who then is logged in on this page. */
  async signUp(page, name, { dealer = false } = {}) {
    const person = { name, email: `${name.toLowerCase().replace(/\W+/g, '.')}@example.test`, password: 'correct horse battery' };
    await page.getByLabel('Name').fill(person.name);
    await page.getByLabel('Email').fill(person.email);
    await page.getByLabel('Password').fill(person.password);
    if (dealer) await page.getByLabel('I am a dealer').check();
    await page.getByRole('main').getByRole('button', { name: 'Sign up' }).click();
    return person;
  }

  async logIn(page, { email, password }) {
    await page.goto(`${this.shop}/login`);
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('main').getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Account of').waitFor();
  }

  person(role) {
    const [email, password] = this.services.people[role];
    return { email, password };
  }

  mailsTo(email) {
    if (this.services.mails === '') return null;
    const lines = readFileSync(this.services.mails, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line)).filter(({ to }) => to.includes(email));
  }

  /** What a story that failed left open, to be looked at. */
  async showOpenPages(story) {
    for (const context of this.browser.contexts()) {
      for (const page of context.pages()) {
        const path = join(pictures(), `failed-${story}.png`);
        await page.screenshot({ path }).then(() => console.log(`  it was at ${page.url()}: ${path}`), () => undefined);
      }
      await context.close();
    }
  }

  async close() {
    await this.browser.close();
    await this.services.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}

export const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 }, small: { width: 360, height: 740 } };

/** Waits until `holds` gives something; what it waited for is said when it never does. */
export async function until(what, holds, limitMs = 15_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) assert.fail(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Where screenshots go. */
export function pictures() {
  const folder = join(root, 'build', 'screenshots');
  mkdirSync(folder, { recursive: true });
  return folder;
}
