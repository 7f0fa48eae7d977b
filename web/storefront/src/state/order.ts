// What an order's state means to its buyer. Pure.

import type { OrderState } from '../api/types';

export type Tone = 'calm' | 'good' | 'warn' | 'bad';

interface Meaning {
  label: string;
  tone: Tone;
  text: string;
}

const meanings: Record<OrderState, Meaning> = {
  placing: { label: 'Being reserved', tone: 'calm', text: 'We are reserving the vehicle for you.' },
  rejected: { label: 'Not available', tone: 'bad', text: 'Somebody else was faster: the vehicle could not be reserved.' },
  placed: { label: 'Reserved', tone: 'calm', text: 'The vehicle is held for you. Pay before the reservation ends.' },
  paying: { label: 'Payment under way', tone: 'calm', text: 'We are waiting for your bank. This page updates by itself.' },
  paid: { label: 'Paid', tone: 'good', text: 'Your payment is authorized. The dealer confirms the sale now.' },
  confirmed: { label: 'Confirmed', tone: 'good', text: 'The vehicle is yours. The dealer will be in touch about delivery.' },
  declined: { label: 'Payment declined', tone: 'bad', text: 'The card was declined. You can try another one while the vehicle is held.' },
  expired: { label: 'Expired', tone: 'warn', text: 'The reservation ended without payment, and the vehicle is on sale again.' },
  cancelled: { label: 'Cancelled', tone: 'warn', text: 'This order was cancelled. Nothing was charged.' },
  cancelling: { label: 'Being cancelled', tone: 'calm', text: 'The cancellation is under way.' },
  refunded: { label: 'Refunded', tone: 'warn', text: 'The amount went back to your card.' },
  refunding: { label: 'Being refunded', tone: 'calm', text: 'The refund is under way.' },
};

export function meaningOf(state: string): Meaning {
  return (meanings as Partial<Record<string, Meaning>>)[state] ?? { label: state, tone: 'calm', text: '' };
}

/** The states on the way to a sale, as the page's steps show them. */
export const way: { state: OrderState; label: string }[] = [
  { state: 'placed', label: 'Reserved' },
  { state: 'paying', label: 'Payment' },
  { state: 'paid', label: 'Paid' },
  { state: 'confirmed', label: 'Confirmed' },
];

/** How many steps of the way are done. */
export function stepsDone(state: string): number {
  if (state === 'declined') return 1;
  if (state === 'refunding' || state === 'refunded') return 4;
  const at = way.findIndex((step) => step.state === state);
  return state === 'confirmed' ? 4 : Math.max(0, at + (state === 'paid' ? 1 : state === 'placed' ? 1 : 0));
}

export const mayPay = (state: string): boolean => state === 'placed' || state === 'declined';
export const mayCancel = (state: string): boolean => mayPay(state);
export const mayRefund = (state: string): boolean => state === 'confirmed';

/** Nothing can happen to it any more. */
export const over = (state: string): boolean =>
  state === 'rejected' || state === 'expired' || state === 'cancelled' || state === 'refunded';

/** Nothing more happens by itself. */
export const settled = (state: string): boolean => state === 'confirmed' || over(state);
