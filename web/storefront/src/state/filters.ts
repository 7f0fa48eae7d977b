// What the catalogue shows is said by the address alone: filters from a query and back, what a filter's text means.

import type { Stock } from '../api/types';

export interface Filters {
  q: string;
  brand: string;
  priceMin: string;
  priceMax: string;
  yearMin: string;
  yearMax: string;
  stock: Stock | '';
  sort: string;
  page: number;
}

export const noFilters: Filters = {
  q: '',
  brand: '',
  priceMin: '',
  priceMax: '',
  yearMin: '',
  yearMax: '',
  stock: '',
  sort: '',
  page: 1,
};

export const sorts: [value: string, label: string][] = [
  ['', 'Newest first'],
  ['price', 'Price: low to high'],
  ['-price', 'Price: high to low'],
  ['-year', 'Year: newest first'],
  ['year', 'Year: oldest first'],
  ['brand', 'Brand: A to Z'],
];

function digits(text: string | null, most: number): string {
  const clean = (text ?? '').trim();
  return /^\d+$/.test(clean) && clean.length <= most ? String(Number(clean)) : '';
}

export function filtersOf(search: string): Filters {
  const query = new URLSearchParams(search);
  const sort = query.get('sort') ?? '';
  const stock = query.get('stock');
  const page = Number(digits(query.get('page'), 7));
  return {
    q: (query.get('q') ?? '').slice(0, 200),
    brand: (query.get('brand') ?? '').slice(0, 100),
    priceMin: digits(query.get('price_min'), 9),
    priceMax: digits(query.get('price_max'), 9),
    yearMin: digits(query.get('year_min'), 4),
    yearMax: digits(query.get('year_max'), 4),
    stock: stock === 'available' || stock === 'reserved' || stock === 'sold' ? stock : '',
    sort: sorts.some(([value]) => value === sort) ? sort : '',
    page: page > 0 ? page : 1,
  };
}

/** The query of these filters: defaults are left out, so that an address stays short and comparable. */
export function queryOf(filters: Filters): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string): void => {
    if (value !== '') query.set(name, value);
  };
  put('q', filters.q.trim());
  put('brand', filters.brand);
  put('price_min', filters.priceMin);
  put('price_max', filters.priceMax);
  put('year_min', filters.yearMin);
  put('year_max', filters.yearMax);
  put('stock', filters.stock);
  put('sort', filters.sort);
  if (filters.page > 1) put('page', String(filters.page));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** How many kinds of filter narrow the list; sorting and searching are not counted. */
export function narrowing(filters: Filters): number {
  const { brand, priceMin, priceMax, yearMin, yearMax, stock } = filters;
  return [brand !== '', priceMin !== '' || priceMax !== '', yearMin !== '' || yearMax !== '', stock !== ''].filter(
    Boolean,
  ).length;
}

/** What is wrong with a range, for people; "" when nothing is. */
export function rangeProblem(min: string, max: string): string {
  return min !== '' && max !== '' && Number(min) > Number(max) ? 'The first must not be above the second.' : '';
}

/** Numbers of pages to offer, with 0 where some are left out: 1 0 4 5 6 0 12. */
export function pagesShown(page: number, pages: number): number[] {
  const shown: number[] = [];
  for (let each = 1; each <= pages; ++each) {
    if (each === 1 || each === pages || Math.abs(each - page) <= 1) shown.push(each);
    else if (shown.at(-1) !== 0) shown.push(0);
  }
  return shown;
}
