// Figures as tables: what is downloaded and what the panels show as rows. Pure.
import type { Table } from './csv';
import type { Figures } from './figures';

export function salesTable({ sales, currency }: Figures): Table {
  return {
    name: 'sales',
    head: ['day', 'placed', 'confirmed', `revenue_${currency.toLowerCase()}`],
    rows: sales.days.map(({ day, placed, confirmed, revenue }) => [day, placed, confirmed, revenue]),
  };
}

export function stockTable({ by_brand }: Figures): Table {
  return {
    name: 'stock',
    head: ['brand', 'available', 'reserved', 'sold'],
    rows: by_brand.map(({ brand, available, reserved, sold }) => [brand, available, reserved, sold]),
  };
}

export function pricesTable({ prices }: Figures): Table {
  return { name: 'prices', head: ['from', 'to', 'vehicles'], rows: prices.buckets.map(({ from, to, count }) => [from, to, count]) };
}

export function funnelTable({ funnel, endings }: Figures): Table {
  return { name: 'orders', head: ['state', 'orders'], rows: [...funnel, ...endings].map(({ state, count }) => [state, count]) };
}
