import { describe, expect, test } from 'vitest';
import { amountTyped, countdown, formatsOf } from './format';

const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ');

describe('formats', () => {
  const german = formatsOf('de-DE', 'UTC');
  const english = formatsOf('en-GB', 'UTC');
  test('money by locale, to the cent', () => {
    expect(plain(german.money(19990.5))).toBe('19.990,50 €');
    expect(english.money(0.1 + 0.2)).toBe('€0.30');
  });
  test('prices without cents where there are none', () => {
    expect(english.price(28950)).toBe('€28,950');
    expect(english.price(8490.5)).toBe('€8,490.50');
  });
  test('dates, and nothing for what is none', () => {
    expect(english.date('2026-01-31T12:00:00Z')).toBe('31 Jan 2026');
    expect(english.day('2026-01-31')).toBe('31 Jan');
    expect(english.dateTime('yesterday')).toBe('');
  });
  test('how long ago', () => {
    const now = Date.parse('2026-01-31T12:00:00Z');
    expect(english.ago('2026-01-31T11:57:30Z', now)).toBe('2 minutes ago');
    expect(english.ago('2026-01-30T11:00:00Z', now)).toBe('yesterday');
  });
});

describe('countdown', () => {
  test('never goes below zero', () => expect(countdown(-5)).toBe('0:00'));
  test('shows minutes, and hours when there are any', () => {
    expect(countdown(899_001)).toBe('15:00');
    expect(countdown(61_000)).toBe('1:01');
    expect(countdown(3_661_000)).toBe('1:01:01');
  });
});

describe('amounts as typed', () => {
  test.each([
    ['1234', '1234'],
    ['1.234,50', '1234.50'],
    ['1,234.5', '1234.50'],
    ['12 500 €', '12500'],
    ['12.5', '12.50'],
    ['1.234', '1234'],
    ['1.234.567,89', '1234567.89'],
    ['007', '7'],
  ])('%s is %s', (typed, amount) => expect(amountTyped(typed)).toBe(amount));
  test.each(['', '-5', '1.2.3', '1,23,4', '12.345,678', 'free', '1e5', '1.234.5'])('%s is none', (typed) =>
    expect(amountTyped(typed)).toBeNull(),
  );
});
