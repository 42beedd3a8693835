import { hoursRule } from './hours-rule.ts';
import type { HoursSettings } from './hours-rule.ts';
import { loadRule } from './load-rule.ts';
import type { LoadSettings } from './load-rule.ts';
import type { PriceRule } from './price-rule.ts';

/** What rules may look at. */
export interface Moment {
  /** Unix ms. */
  readonly nowMs: number;
  readonly jobsUnderWay: number;
}

/** Rules as the owner set them; absent: off. */
export interface RuleSettings {
  readonly inFlightSurge?: LoadSettings;
  readonly hours?: HoursSettings;
}

/** The rules that count at a moment: the one place where they stand side by side. Their factors multiply. */
export function rulesAt({ inFlightSurge, hours }: RuleSettings, { nowMs, jobsUnderWay }: Moment): PriceRule[] {
  const rules = [inFlightSurge && loadRule(inFlightSurge, jobsUnderWay), hours && hoursRule(hours, nowMs)];
  return rules.filter((rule) => rule !== undefined);
}
