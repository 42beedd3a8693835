import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';

/** The running configuration with the prices of another. */
export function withPrices(running: Config, { enabled, minPriceMsat, pricing, llm, payment }: Config): Config {
  const { rate: _itsSource, ...prices } = pricing;
  return {
    ...running,
    enabled,
    minPriceMsat,
    payment: { ...running.payment, mode: payment.mode },
    pricing: { ...prices, ...(running.pricing.rate && { rate: running.pricing.rate }) },
    llm: { ...running.llm, maxOutputTokens: llm.maxOutputTokens, estimators: llm.estimators },
  };
}

/** What differs beside the prices, by the keys of the file. */
export function restartKeys(running: Config, next: Config): string[] {
  const withOldPrices = withPrices(next, running);
  const keys = Object.keys({ ...running, ...next }) as (keyof Config)[];
  return keys.flatMap((key) => {
    const [before, after] = [running[key], withOldPrices[key]];
    if (isDeepStrictEqual(before, after)) return [];
    return key === 'lightning' || !isRoom(before) || !isRoom(after)
      ? [snakeCase(key)] // those of the node are put together anew
      : differing(before, after).map((inner) => snakeCase(`${key}.${inner}`));
  });
}

const isRoom = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const differing = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): string[] =>
  Object.keys({ ...a, ...b }).filter((key) => !isDeepStrictEqual(a[key], b[key]));

const snakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
