import { describe, expect, test } from 'vitest';
import { cookieNamed, problemOf, withQuery } from '../api/http';
import { bodyOf, bodyPath, glassPath, paintOf, profiles, type Body } from '../parts/silhouette';
import { cardOf, expiryTyped, grouped, luhn } from './card';
import { filtersOf, narrowing, noFilters, pagesShown, queryOf, rangeProblem } from './filters';
import { formOf, lineWords, reportWords } from './import';
import { noticeParts } from './notice-text';
import { mayCancel, mayPay, mayRefund, meaningOf, settled, stepsDone } from './order';
import { routeOf, safeReturn } from './route';
import { reasonWords, sandboxCards } from './sandbox';

describe('filters', () => {
  test('go into an address and come back', () => {
    const filters = { ...noFilters, q: 'golf & co', brand: 'Škoda', priceMin: '1000', yearMax: '2020', stock: 'available', sort: '-price', page: 3 } as const;
    expect(filtersOf(queryOf(filters))).toEqual(filters);
  });
  test('that are defaults leave no trace', () => expect(queryOf(noFilters)).toBe(''));
  test('that make no sense are left out', () => {
    const query = '?price_min=abc&year_min=20211&stock=stolen&sort=password&page=-2&brand=';
    expect(filtersOf(query)).toEqual(noFilters);
  });
  test('are counted by kind', () => {
    expect(narrowing(noFilters)).toBe(0);
    expect(narrowing({ ...noFilters, priceMin: '1', priceMax: '2', stock: 'sold', q: 'x' })).toBe(2);
  });
  test('ranges stand the right way round', () => {
    expect(rangeProblem('1000', '900')).not.toBe('');
    expect(rangeProblem('900', '1000')).toBe('');
    expect(rangeProblem('', '5')).toBe('');
  });
  test('pages leave out what is far away', () => {
    expect(pagesShown(1, 1)).toEqual([1]);
    expect(pagesShown(5, 12)).toEqual([1, 0, 4, 5, 6, 0, 12]);
    expect(pagesShown(1, 3)).toEqual([1, 2, 3]);
  });
});

describe('routes', () => {
  test('name pages', () => {
    expect(routeOf('/')).toEqual({ page: 'catalogue', id: '' });
    expect(routeOf('/vehicles/12/')).toEqual({ page: 'vehicle', id: '12' });
    expect(routeOf('/dealer/vehicles/new')).toEqual({ page: 'dealer-edit', id: 'new' });
    expect(routeOf('/vehicles/../admin').page).toBe('missing');
  });
  test('lead back only within the shop', () => {
    expect(safeReturn('/orders?page=2')).toBe('/orders?page=2');
    for (const bad of [null, '', 'https://example.org', '//example.org', '/\\example.org']) expect(safeReturn(bad)).toBe('/');
  });
});

describe('cards', () => {
  const now = new Date(2026, 5, 15);
  const good = { number: '4242 4242 4242 4242', expiry: '06/26', cvc: '123', holder: ' Ada ' };
  test('are read as they are typed', () => {
    expect(grouped('42424242x42')).toBe('4242 4242 42');
    expect(expiryTyped('1229')).toBe('12/29');
    expect(expiryTyped('12')).toBe('12');
  });
  test('that can be right are passed on', () => {
    expect(cardOf(good, now)).toEqual({ card: { number: '4242424242424242', month: 6, year: 2026, cvc: '123', holder: 'Ada' } });
  });
  test('that cannot are told at each field', () => {
    const told = cardOf({ number: '4242 4242 4242 4241', expiry: '05/26', cvc: '1', holder: '' }, now);
    expect(Object.keys('problems' in told ? told.problems : {})).toEqual(['number', 'expiry', 'cvc', 'holder']);
    expect(cardOf({ ...good, expiry: '13/30' }, now)).toHaveProperty('problems.expiry');
  });
  test('of the sandbox have right check digits', () => {
    for (const { number } of sandboxCards) expect(luhn(number), number).toBe(true);
    expect(reasonWords('do_not_honor')).toBe('do not honor');
  });
});

describe('orders', () => {
  test('have words for every state, known or not', () => {
    expect(meaningOf('confirmed').tone).toBe('good');
    expect(meaningOf('teleported').label).toBe('teleported');
  });
  test('go forward step by step', () => {
    expect(['placed', 'paying', 'paid', 'confirmed', 'declined'].map(stepsDone)).toEqual([1, 1, 3, 4, 1]);
  });
  test('allow what their state allows', () => {
    expect([mayPay('declined'), mayPay('paying'), mayCancel('placed'), mayRefund('confirmed'), mayRefund('paid')]).toEqual([true, false, true, true, false]);
    expect(settled('expired')).toBe(true);
    expect(settled('declined')).toBe(false);
  });
});

describe('answers', () => {
  test('problems name their fields', () => {
    const problem = problemOf(422, { detail: 'year must be…', errors: [{ field: 'card.year', message: 'is over' }, 7, null] });
    expect(problem.at('year')).toBe('is over');
    expect(problem.at('ear')).toBeUndefined();
    expect(problemOf(503, '<html>').away).toBe(true);
    expect(problemOf(0, null).message).toContain('online');
  });
  test('queries leave out what is empty', () => expect(withQuery('/a', { q: '', page: 2, x: undefined })).toBe('/a?page=2'));
  test('cookies are found by their whole name', () => {
    expect(cookieNamed('csrf', 'xcsrf=1; csrf=a%3Db')).toBe('a=b');
    expect(cookieNamed('csrf', '')).toBe('');
  });
});

describe('imports', () => {
  test('know their form', () => {
    expect(formOf('a.csv', '{')).toBe('text/csv');
    expect(formOf('', ' {"name":1}')).toBe('application/x-ndjson');
    expect(formOf('', 'name,brand')).toBe('text/csv');
  });
  test('say what is wrong with a line', () => {
    expect(lineWords({ line: 2, status: 'added', id: 7 })).toBe('');
    expect(lineWords({ line: 2, status: 'failed', problems: [{ field: 'year', message: 'must be a number' }] })).toBe('year must be a number');
    expect(reportWords({ added: 2, changed: 0, kept: 3, failed: 1, lines: [] }, String)).toBe('2 added, 3 as before, 1 line not taken over');
  });
});

describe('silhouettes', () => {
  const vehicle = (brand: string, model: string, name = 'A car'): Parameters<typeof bodyOf>[0] => ({ name, brand, model });
  test('follow the words of a vehicle', () => {
    expect(bodyOf(vehicle('Mazda', 'MX-5'))).toBe('roadster');
    expect(bodyOf(vehicle('Ford', 'Transit'))).toBe('van');
    expect(bodyOf(vehicle('BMW', '520d'))).toBe('saloon');
    expect(bodyOf(vehicle('Zaz', 'Unknown'))).toBe(bodyOf(vehicle('Zaz', 'Unknown')));
  });
  test('are drawn of numbers only', () => {
    for (const body of Object.keys(profiles) as Body[]) {
      expect(bodyPath(body) + glassPath(body)).not.toMatch(/NaN|undefined|Infinity/);
    }
    expect(paintOf('volvo')).toBe(paintOf('Volvo'));
  });
});

describe('notifications', () => {
  test('have links within the shop in place of addresses', () => {
    expect(noticeParts('Hello,\n\nfind a car at http://localhost:8080/. Bye')).toEqual([
      { text: 'Hello,\n\nfind a car at ', path: '' },
      { text: 'this page', path: '/' },
      { text: '. Bye', path: '' },
    ]);
  });
  test('leave out what is only an address', () => {
    expect(noticeParts('Sold.\n\nYour order: https://shop.example/orders/1')).toEqual([{ text: 'Sold.', path: '' }]);
    expect(noticeParts('Paid.\n\nhttps://shop.example/orders/1')).toEqual([{ text: 'Paid.', path: '' }]);
  });
});
