import { describe, expect, test } from 'vitest';
import { hoursRule } from '../../src/pricing/hours-rule.ts';
import type { HoursSettings } from '../../src/pricing/hours-rule.ts';
import { rulesAt } from '../../src/pricing/rules.ts';

const night = { fromMinute: 22 * 60, toMinute: 6 * 60, multiplierBps: 7_000 };
const noon = { fromMinute: 12 * 60, toMinute: 13 * 60, multiplierBps: 12_000 };
const inUtc: HoursSettings = { timeZone: 'UTC', windows: [night, noon] };
const at = (time: string): number => Date.parse(`2026-07-14T${time}Z`);

describe('prices by the time of day', () => {
  test.each([
    ['21:59:59', undefined],
    ['22:00', 7_000],
    ['23:59:59', 7_000],
    ['00:00', 7_000],
    ['05:59:59', 7_000],
    ['06:00', undefined],
    ['12:30', 12_000],
    ['13:00', undefined],
  ])('at %s are %s basis points', (time, multiplierBps) => {
    expect(hoursRule(inUtc, at(time))?.multiplierBps).toBe(multiplierBps);
  });

  test('follow the clocks of their time zone, in summer and winter', () => {
    const inBerlin = { ...inUtc, timeZone: 'Europe/Berlin' };
    expect(hoursRule(inBerlin, at('20:00'))?.multiplierBps).toBe(7_000); // 22:00 there
    expect(hoursRule(inBerlin, at('04:00'))).toBeUndefined(); // 06:00
    expect(hoursRule(inBerlin, Date.parse('2026-01-14T20:00Z'))).toBeUndefined(); // 21:00
  });

  test('are those of the first window in which a moment lies; one may hold the whole day', () => {
    const day = { fromMinute: 0, toMinute: 24 * 60, multiplierBps: 9_000 };
    expect(hoursRule({ timeZone: 'UTC', windows: [noon, day] }, at('12:00'))?.multiplierBps).toBe(12_000);
    expect(hoursRule({ timeZone: 'UTC', windows: [noon, day] }, at('23:59'))?.multiplierBps).toBe(9_000);
  });
});

describe('the rules', () => {
  const inFlightSurge = { threshold: 1, perJobBps: 500, maxMultiplierBps: 12_000 };

  test('stand side by side, each by its own', () => {
    expect(rulesAt({ inFlightSurge, hours: inUtc }, { nowMs: at('23:00'), jobsUnderWay: 5 })).toEqual([
      { name: 'in_flight_surge', multiplierBps: 12_000 },
      { name: 'hours', multiplierBps: 7_000 },
    ]);
    expect(rulesAt({ hours: inUtc }, { nowMs: at('23:00'), jobsUnderWay: 5 })).toHaveLength(1);
  });

  test('are none where none is set, or none counts', () => {
    expect(rulesAt({}, { nowMs: 0, jobsUnderWay: 100 })).toEqual([]);
    expect(rulesAt({ hours: inUtc }, { nowMs: at('10:00'), jobsUnderWay: 100 })).toEqual([]);
  });
});
