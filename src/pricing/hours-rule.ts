import type { PriceRule } from './price-rule.ts';

/** A part of each day; it ends after midnight when `fromMinute` is above `toMinute`. */
export interface HoursWindow {
  /** Minutes since midnight, 0 to 1439. */
  readonly fromMinute: number;
  /** The first minute that is no longer in it, 0 to 1440. */
  readonly toMinute: number;
  readonly multiplierBps: number;
}

/** Prices by the time of day: a machine that is idle at night sells cheaper then. */
export interface HoursSettings {
  /** As the IANA names it, like Europe/Berlin or UTC: by its clocks the windows are meant. */
  readonly timeZone: string;
  /** The first in which a moment lies counts. */
  readonly windows: readonly HoursWindow[];
}

/** The factor for a quote made at this moment (Unix ms); undefined outside of every window. */
export function hoursRule({ timeZone, windows }: HoursSettings, nowMs: number): PriceRule | undefined {
  const minute = minuteOfDay(timeZone, nowMs);
  const window = windows.find(({ fromMinute, toMinute }) =>
    fromMinute < toMinute ? fromMinute <= minute && minute < toMinute : fromMinute <= minute || minute < toMinute,
  );
  return window && { name: 'hours', multiplierBps: window.multiplierBps };
}

function minuteOfDay(timeZone: string, nowMs: number): number {
  const text = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(nowMs);
  const [hour = 0, minute = 0] = text.split(':').map(Number);
  return (hour % 24) * 60 + minute;
}
