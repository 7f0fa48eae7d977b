// A buyer's stories: from finding a car to owning it, with a declined card on the way; a reservation that ends; a car
// bought with the keyboard alone; changes of mind.
import assert from 'node:assert/strict';
import { until } from './stage.mjs';

export const goodCard = { number: '4242424242424242', expiry: '1239', cvc: '123', holder: 'Ada Lovelace' };
export const poorCard = { ...goodCard, number: '4000000000009995' };

export async function fillCard(page, card) {
  await page.getByLabel('Card number').fill(card.number);
  await page.getByLabel('Valid until').fill(card.expiry);
  await page.getByLabel('Security code').fill(card.cvc);
  await page.getByLabel('Name on the card').fill(card.holder);
}

const pay = (page) => page.getByRole('button', { name: /^Pay / }).click();
export const stateIs = (page, state) => page.locator('.order-head').getByText(state, { exact: true }).waitFor();

/** Opens the first car that can be bought. */
export async function openAvailable(page, shop) {
  await page.goto(`${shop}/?stock=available&sort=price`);
  await page.locator('.vehicle-card .cover').first().click();
  await page.getByRole('button', { name: 'Reserve and buy' }).waitFor();
  return page.locator('h1').innerText();
}

export async function buys(stage) {
  const page = await stage.visitor({ expects: [401] });
  const insights = await stage.visitor();
  await insights.goto(stage.url('insights'));
  await insights.locator('.manner.live').waitFor();
  const sold = async () => Number((await insights.locator('.tile', { hasText: 'Sold in' }).locator('.tile-value').innerText()).replace(/\D/g, ''));
  const before = await sold();

  await page.goto(stage.shop);
  await page.locator('.vehicle-card').first().waitFor();
  const brand = (await page.locator('.vehicle-card .eyebrow').first().innerText()).split(' ')[0];
  await page.getByLabel('Search vehicles').fill(brand);
  await page.getByLabel('Search vehicles').press('Enter');
  await page.getByRole('heading', { name: `Results for “${brand}”` }).waitFor();
  assert.match(page.url(), /\?q=/);
  const car = await openAvailable(page, stage.shop);
  await page.getByRole('button', { name: 'Reserve and buy' }).click();

  // Not logged in: through logging in and signing up, and back to the same car.
  await page.getByRole('link', { name: 'Create an account' }).click();
  const person = await stage.signUp(page, 'Ada Lovelace');
  await page.getByRole('heading', { name: car }).waitFor();
  await page.getByRole('button', { name: 'Reserve and buy' }).click();
  await stateIs(page, 'Reserved');
  await page.getByText('Held for you for').waitFor();
  const order = page.url();

  await fillCard(page, poorCard);
  await pay(page);
  await stateIs(page, 'Payment declined');
  await page.getByText('there is not enough money on it').waitFor();
  await fillCard(page, { ...goodCard, number: '4242424242424241' });
  await pay(page);
  await page.getByText('This number is not complete.').waitFor();
  await fillCard(page, goodCard);
  await pay(page);
  await stateIs(page, 'Confirmed');
  await page.locator('.history').getByText('Payment declined').waitFor();

  await until('the sale on the insights page, by itself', async () => (await sold()) === before + 1);
  await page.getByRole('link', { name: /Notifications, \d+ new/ }).click();
  await page.locator('.notice', { hasText: 'It is yours' }).waitFor();
  const mails = stage.mailsTo(person.email);
  if (mails === null) console.log('no mail is tested: python3-aiosmtpd is not installed');
  else await until('a mail about the confirmed order', () => stage.mailsTo(person.email).some(({ text }) => /It is yours/.test(text)));

  await page.goto(`${stage.shop}/orders`);
  await page.locator('.order-row', { hasText: 'Confirmed' }).waitFor();
  await givesBack(page, order);
  await page.context().close();
  await insights.context().close();
  return person;
}

async function givesBack(page, order) {
  await page.goto(order);
  await page.getByRole('button', { name: 'Ask for a refund' }).click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('button', { name: 'Ask for a refund' }).click();
  await page.getByRole('button', { name: 'Refund the order' }).click();
  await stateIs(page, 'Refunded');
}

export async function cancels(stage, person) {
  const page = await stage.visitor();
  await stage.logIn(page, person);
  const car = await openAvailable(page, stage.shop);
  await page.getByRole('button', { name: 'Reserve and buy' }).click();
  await stateIs(page, 'Reserved');
  await page.getByRole('button', { name: 'Cancel the order' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the order' }).click();
  await stateIs(page, 'Cancelled');
  await page.goto(`${stage.shop}/?stock=available&sort=price`);
  await page.getByRole('link', { name: car }).first().waitFor();
  await page.context().close();
}

/** A payment whose answer comes later: the page follows it by itself. */
export async function waits(stage, person) {
  const page = await stage.visitor();
  await stage.logIn(page, person);
  await openAvailable(page, stage.shop);
  await page.getByRole('button', { name: 'Reserve and buy' }).click();
  await stateIs(page, 'Reserved');
  await page.getByText('This is a sandbox: test cards').click();
  await page.getByRole('button', { name: '4000 0000 0000 0077' }).click();
  await pay(page);
  await stateIs(page, 'Payment under way');
  await stateIs(page, 'Confirmed');
  await page.context().close();
}

/** With a short order-ttl: the countdown runs out, the page says so, and the car is on sale again. */
export async function letsItExpire(stage, person) {
  await stage.services.tell('restart orders ORDER_TTL=3s');
  const page = await stage.visitor();
  await stage.logIn(page, person);
  const car = await openAvailable(page, stage.shop);
  await page.getByRole('button', { name: 'Reserve and buy' }).click();
  await stateIs(page, 'Reserved');
  await stateIs(page, 'Expired');
  assert.equal(await page.getByRole('button', { name: /^Pay / }).count(), 0);
  await page.goto(`${stage.shop}/?stock=available&sort=price`);
  await page.getByRole('link', { name: car }).first().waitFor();
  await page.context().close();
  await stage.services.tell('restart orders ORDER_TTL=900s');
}

/** Tab until the focus is on what matches, as somebody without a mouse does. */
async function tabTo(page, matches) {
  for (let presses = 0; presses < 120; ++presses) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      const labels = element && 'labels' in element && element.labels ? [...element.labels].map((label) => label.textContent) : [];
      return [element?.getAttribute('aria-label'), ...labels, element?.textContent].filter(Boolean).join('|');
    });
    if (matches.test(at)) return;
  }
  assert.fail(`the keyboard never reaches ${matches}`);
}

export async function buysByKeyboard(stage, person) {
  const page = await stage.visitor();
  const keys = page.keyboard;
  await page.goto(`${stage.shop}/login?next=${encodeURIComponent('/?stock=available')}`);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await keys.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content');
  await tabTo(page, /^Email/);
  await keys.type(person.email);
  await tabTo(page, /^Password/);
  await keys.type(person.password);
  await keys.press('Enter');
  await page.locator('.vehicle-card .cover').first().waitFor();
  const car = await page.locator('.vehicle-card .cover').first().innerText();
  await tabTo(page, new RegExp(`^${car.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
  await keys.press('Enter');
  await page.getByRole('button', { name: 'Reserve and buy' }).waitFor();
  await tabTo(page, /^Reserve and buy/);
  await keys.press('Enter');
  await stateIs(page, 'Reserved');
  await tabTo(page, /^Card number/);
  await keys.type(goodCard.number);
  await tabTo(page, /^Valid until/);
  await keys.type(goodCard.expiry);
  await tabTo(page, /^Security code/);
  await keys.type(goodCard.cvc);
  await tabTo(page, /^Name on the card/);
  await keys.type(goodCard.holder);
  await tabTo(page, /Pay /);
  await keys.press('Enter');
  await stateIs(page, 'Confirmed');
  await page.context().close();
}
