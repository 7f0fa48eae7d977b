// What can be said about a card before anybody is asked. Pure; nothing of it is kept.

import type { Card } from '../api/types';

export interface CardTyped {
  number: string;
  /** MM/YY */
  expiry: string;
  cvc: string;
  holder: string;
}

export type CardProblems = Partial<Record<keyof CardTyped, string>>;

/** Digits in groups of four, as cards show them. */
export function grouped(number: string): string {
  const digits = number.replace(/\D/g, '').slice(0, 19);
  return digits.replace(/(\d{4})(?=\d)/g, '$1 ');
}

/** MM/YY while it is typed. */
export function expiryTyped(text: string): string {
  const digits = text.replace(/\D/g, '').slice(0, 4);
  if (digits.length >= 3) return `${digits.slice(0, 2)}/${digits.slice(2)}`;
  return text.endsWith('/') && digits.length === 2 ? `${digits}/` : digits;
}

/** The check digit of ISO/IEC 7812. */
export function luhn(number: string): boolean {
  let sum = 0;
  for (let place = 0; place < number.length; ++place) {
    let digit = Number(number[number.length - 1 - place]);
    if (place % 2 === 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return number.length >= 12 && sum % 10 === 0;
}

export function cardOf(typed: CardTyped, now: Date): { card: Card } | { problems: CardProblems } {
  const problems: CardProblems = {};
  const number = typed.number.replace(/\D/g, '');
  if (!luhn(number)) problems.number = number === '' ? 'Enter the card number.' : 'This number is not complete.';
  const [, month, year] = /^(\d\d)\/?(\d\d)$/.exec(typed.expiry.trim()) ?? [];
  const ends = { month: Number(month), year: 2000 + Number(year) };
  if (month === undefined || year === undefined || ends.month < 1 || ends.month > 12) {
    problems.expiry = 'Month and year, like 04/29.';
  } else if (ends.year * 12 + ends.month < now.getFullYear() * 12 + now.getMonth() + 1) {
    problems.expiry = 'This card has expired.';
  }
  if (!/^\d{3,4}$/.test(typed.cvc)) problems.cvc = '3 or 4 digits.';
  if (typed.holder.trim() === '') problems.holder = 'As it stands on the card.';
  if (Object.keys(problems).length > 0) return { problems };
  return { card: { number, month: ends.month, year: ends.year, cvc: typed.cvc, holder: typed.holder.trim() } };
}
