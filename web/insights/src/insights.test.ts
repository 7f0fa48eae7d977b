import { describe, expect, test } from 'vitest';
import { csvOf } from './csv';
import { daysIn, filterOf, lastDays, queryOf, wrongDays } from './filter';
import { bandAt, labelStep, ticks } from './scale';

describe('scales', () => {
  test('have round steps that hold the most', () => {
    expect(ticks(87, 4)).toEqual([0, 25, 50, 75, 100]);
    expect(ticks(3, 4, 'whole')).toEqual([0, 1, 2, 3]);
    expect(ticks(0.7, 4)).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
    for (const most of [1, 9, 99.5, 12345, 1e7]) expect(ticks(most, 4).at(-1)).toBeGreaterThanOrEqual(most);
  });
  test('stand where there is nothing', () => expect(ticks(0, 4)).toEqual([0, 1]));
  test('find the band of a place', () => {
    expect(bandAt(0, 100, 10)).toBe(0);
    expect(bandAt(99.9, 100, 10)).toBe(9);
    expect(bandAt(-5, 100, 10)).toBe(0);
    expect(bandAt(500, 100, 10)).toBe(9);
  });
  test('leave out labels that would overlap', () => {
    expect(labelStep(30, 600, 60)).toBe(3);
    expect(labelStep(3, 600, 60)).toBe(1);
  });
});

describe('filters', () => {
  test('go into an address and come back', () => {
    const filter = { brand: 'Škoda', from: '2026-01-01', to: '2026-01-31' };
    expect(filterOf(queryOf(filter))).toEqual(filter);
    expect(daysIn(filter)).toBe(31);
  });
  test('that are no days are left out', () => expect(filterOf('?from=2026-13-01&to=soon')).toEqual({ brand: '', from: '', to: '' }));
  test('know the last days', () => expect(lastDays(7, '2026-03-02')).toEqual({ from: '2026-02-24', to: '2026-03-02' }));
  test('see days the wrong way round', () => {
    expect(wrongDays({ brand: '', from: '2026-02-02', to: '2026-02-01' })).not.toBe('');
    expect(wrongDays({ brand: '', from: '', to: '2026-02-01' })).toBe('');
  });
});

describe('files', () => {
  test('quote what needs it and hold no formula', () => {
    const rows = [['a "b", c', 1.5], ['=1+1', -2]];
    expect(csvOf({ name: '', head: ['x', 'y'], rows })).toBe('x,y\r\n"a ""b"", c",1.5\r\n\'=1+1,-2\r\n');
  });
});
