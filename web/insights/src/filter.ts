// The filter and the page's address, both ways. Pure.
import type { Filter } from './figures';

const dayForm = /^\d{4}-\d{2}-\d{2}$/;

const dayOf = (text: string | null): string => (text !== null && dayForm.test(text) && !Number.isNaN(Date.parse(text)) ? text : '');

export function filterOf(search: string): Filter {
  const query = new URLSearchParams(search);
  return { brand: (query.get('brand') ?? '').slice(0, 100), from: dayOf(query.get('from')), to: dayOf(query.get('to')) };
}

export function queryOf(filter: Filter): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, value as string);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** The last so many days up to and with `today` (YYYY-MM-DD). */
export function lastDays(count: number, today: string): Pick<Filter, 'from' | 'to'> {
  const from = new Date(Date.parse(`${today}T00:00:00Z`) - (count - 1) * 86_400_000);
  return { from: from.toISOString().slice(0, 10), to: today };
}

/** How many days a filter that the server completed covers. */
export function daysIn({ from, to }: Filter): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1;
}

export function wrongDays({ from, to }: Filter): string {
  return from !== '' && to !== '' && from > to ? 'The first day is after the last.' : '';
}
