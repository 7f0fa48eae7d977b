// A dealer's and an administrator's stories: a wish to sell that is granted, an import with bad lines, a changed price.
import assert from 'node:assert/strict';

const file = `name,brand,model,year,price,description
"Barn find, rare",Lancia,Fulvia,1968,18500.00,Needs love
Too old,Lancia,Lambda,1066,1.00,
"Estate with history",Volvo,240,1989,9900.50,"Runs, always"
No price,Volvo,V40,2001,cheap,
`;

export async function imports(stage) {
  const page = await stage.visitor({ expects: [422] });
  await stage.logIn(page, stage.person('dealer'));
  await page.locator('summary', { hasText: 'Account of' }).click();
  await page.getByRole('link', { name: 'Import vehicles' }).click();
  await page.getByLabel('File').setInputFiles({ name: 'stock.csv', mimeType: 'text/csv', buffer: Buffer.from(file) });
  await page.getByRole('button', { name: 'Import' }).click();
  await page.getByText('2 added, 2 lines not taken over').waitFor();
  const rows = page.locator('tbody tr');
  assert.match(await rows.nth(0).innerText(), /^3\s.*year/s);
  assert.match(await rows.nth(1).innerText(), /^5\s.*price/s);
  await stage.accessible(page, 'the import report');

  await page.getByRole('link', { name: 'Stock', exact: true }).click();
  await page.getByRole('link', { name: 'Edit Barn find, rare' }).click();
  await page.getByLabel('Year').fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.wrong').first().waitFor();
  await page.getByLabel('Year').fill('1969');
  await page.getByLabel('Price in euros').fill('17.950,50');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Barn find, rare is saved.').waitFor();
  await page.locator('.stock-row', { hasText: 'Barn find' }).getByText('€17,950.50').waitFor();

  await page.getByRole('button', { name: 'Remove Estate with history' }).click();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await page.getByText('Estate with history is removed.').waitFor();
  await page.getByRole('link', { name: 'Sales' }).click();
  await page.getByRole('heading', { name: 'Sales', exact: true }).waitFor();
  await page.context().close();
}

export async function grants(stage) {
  const hopeful = await stage.visitor({ expects: [401] });
  await hopeful.goto(`${stage.shop}/signup`);
  const person = await stage.signUp(hopeful, 'Hope Seller', { dealer: true });
  await hopeful.getByText('Account of').waitFor();
  await hopeful.goto(`${stage.shop}/dealer`);
  await hopeful.getByText('This page is not for your account').waitFor();

  const page = await stage.visitor();
  await stage.logIn(page, stage.person('admin'));
  await page.goto(`${stage.shop}/admin?q=${encodeURIComponent(person.email)}`);
  const row = page.locator('.user-row', { hasText: person.email });
  await row.getByText('wants to sell').waitFor();
  await row.getByLabel('dealer').check();
  await page.getByText(`${person.email}: buyer, dealer`).waitFor();
  await page.getByText('Everything has been sent.').waitFor();
  await page.context().close();

  // Roles come with the next log-in.
  await hopeful.locator('summary', { hasText: 'Account of' }).click();
  await hopeful.getByRole('button', { name: 'Log out' }).click();
  await hopeful.getByText('You are logged out.').waitFor();
  await stage.logIn(hopeful, person);
  await hopeful.goto(`${stage.shop}/dealer`);
  await hopeful.getByText('No vehicles of yours').waitFor();
  await hopeful.context().close();
}

/** The catalogue is away for a moment: the page says so, and works again without being loaded anew. */
export async function survives(stage) {
  const page = await stage.visitor({ expects: [502, 503, 504] });
  await page.goto(stage.shop);
  await page.locator('.vehicle-card').first().waitFor();
  await stage.services.tell('kill vehicles');
  await page.getByLabel('Sort by').selectOption('price');
  await page.getByRole('alert').waitFor();
  await stage.services.tell('start vehicles');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await page.locator('.vehicle-card').first().waitFor();
  await page.context().close();
}
