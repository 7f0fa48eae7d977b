// Money, numbers and dates as the reader's locale writes them. Everything here is pure: locale and time come in.

export interface Formats {
  money: (amount: number, currency?: string) => string;
  /** Without cents when there are none: for prices of cars. */
  price: (amount: number, currency?: string) => string;
  /** Short, for axes: 1.2K, 3M. */
  compact: (value: number) => string;
  number: (value: number) => string;
  percent: (share: number) => string;
  date: (rfc3339: string) => string;
  dateTime: (rfc3339: string) => string;
  /** A day, YYYY-MM-DD, without its year. */
  day: (day: string) => string;
  ago: (rfc3339: string, nowMs: number) => string;
}

const agoSteps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

export function formatsOf(locale: string | undefined, timeZone?: string): Formats {
  const cached = new Map<string, Intl.NumberFormat>();
  const inCurrency = (currency: string, digits: number): Intl.NumberFormat => {
    const key = `${currency}${digits}`;
    let format = cached.get(key);
    if (!format) {
      format = new Intl.NumberFormat(locale, {
        style: 'currency',
        currency,
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      });
      cached.set(key, format);
    }
    return format;
  };
  const zone = timeZone === undefined ? {} : { timeZone };
  const numbers = new Intl.NumberFormat(locale);
  const compacts = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
  const percents = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  const dates = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', ...zone });
  const dateTimes = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', ...zone });
  const days = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });

  const written = (format: Intl.DateTimeFormat, text: string): string => {
    const time = Date.parse(text);
    return Number.isNaN(time) ? '' : format.format(time);
  };
  return {
    money: (amount, currency = 'EUR') => inCurrency(currency, 2).format(amount),
    price: (amount, currency = 'EUR') => inCurrency(currency, Number.isInteger(amount) ? 0 : 2).format(amount),
    compact: (value) => compacts.format(value),
    number: (value) => numbers.format(value),
    percent: (share) => percents.format(share),
    date: (text) => written(dates, text),
    dateTime: (text) => written(dateTimes, text),
    day: (day) => written(days, `${day}T00:00:00Z`),
    ago: (text, nowMs) => {
      const passed = Date.parse(text) - nowMs;
      if (Number.isNaN(passed)) return '';
      for (const [unit, length] of agoSteps) {
        if (Math.abs(passed) >= length) return relative.format(Math.trunc(passed / length), unit);
      }
      return relative.format(0, 'minute');
    },
  };
}

/** m:ss of what is left; never below zero. */
export function countdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/**
 * An amount as people type it, "1.234,50" or "1,234.5" or "1 234", as the decimal text that services take ("1234.50").
 * Null when it is none, negative, or has more than two digits after its point.
 */
export function amountTyped(text: string): string | null {
  const plain = text.replace(/[\s\u00a0\u202f'€]/g, '');
  const match = /^(\d{1,3}(?:([.,])\d{3})(?:\2\d{3})*|\d+)(?:([.,])(\d{1,2}))?$/.exec(plain);
  if (!match?.[1]) return null;
  const [, whole, group, point, cents] = match;
  if (group !== undefined && point === group) return null;
  const digits = whole.replace(/[.,]/g, '').replace(/^0+(?=\d)/, '');
  return cents === undefined ? digits : `${digits}.${cents.padEnd(2, '0')}`;
}

export const formats = formatsOf(typeof navigator === 'undefined' ? 'en' : navigator.language);
