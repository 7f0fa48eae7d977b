// States in a word and a colour; the word alone says it all.
import type { JSX } from 'preact';
import type { Stock } from '../api/types';
import { meaningOf } from '../state/order';

const stocks: Record<Stock, [label: string, tone: string]> = {
  available: ['Available', 'good'],
  reserved: ['Reserved', 'warn'],
  sold: ['Sold', ''],
};

export function StockBadge({ stock }: { stock: Stock | undefined }): JSX.Element {
  const [label, tone] = stocks[stock ?? 'available'];
  return <span class={`badge ${tone}`}>{label}</span>;
}

export function StateBadge({ state }: { state: string }): JSX.Element {
  const { label, tone } = meaningOf(state);
  return <span class={`badge ${tone}`}>{label}</span>;
}
