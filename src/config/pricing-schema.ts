import { z } from 'zod';
import { decimal, fiat } from './amount.ts';
import { UINT32_MAX, seconds, text, whole } from './fields.ts';

/** 0 stands for this too, as in go-lcpd. */
export const DEFAULT_MAX_MULTIPLIER_BPS = 30_000;

const surge = z
  .strictObject({
    threshold: whole('Jobs under way that cost nothing extra.', 0, { min: 0, max: UINT32_MAX }),
    per_job_bps: whole(
      'Basis points (1/100 of a percent) added for each job above the threshold; 500 = 5 %. 0 turns it off.',
      0,
      {
        min: 0,
        max: UINT32_MAX,
      },
    ),
    max_multiplier_bps: whole(
      'The most the price is multiplied by, in basis points: 10000 = once, 30000 = three times. 0 means the default.',
      DEFAULT_MAX_MULTIPLIER_BPS,
      {
        min: 0,
        max: UINT32_MAX,
      },
    ),
  })
  .describe('Dearer when busy: price × (10000 + per_job_bps × jobs above threshold) / 10000. Default: off.');

const TIME = /^([01]?\d|2[0-3]):([0-5]\d)$|^24:00$/;

const timeOfDay = (description: string) =>
  z
    .string({ error: 'expected a time of day like 22:00' })
    .refine((value) => TIME.test(value), {
      error: 'expected a time of day like 22:00',
      params: { cure: 'write hours and minutes, from 00:00 to 24:00, in quotes' },
    })
    .describe(description);

const hours = z
  .strictObject({
    time_zone: text(
      'By whose clocks: local (this machine), UTC, or a name of the IANA like Europe/Berlin. Default local.',
    )
      .refine(isTimeZone, {
        error: 'this machine knows no such time zone',
        params: { cure: 'write local, UTC, or a name like Europe/Berlin' },
      })
      .default('local'),
    windows: z
      .array(
        z.strictObject({
          from: timeOfDay('When it begins, like 22:00.'),
          to: timeOfDay('When it ends, like 06:00; before from: on the next day.'),
          multiplier_bps: z
            .int()
            .min(100)
            .max(100_000)
            .describe('What the price is multiplied by, in 1/100 of a percent: 8000 = 80 %, 12000 = 120 %.'),
        }),
      )
      .min(1)
      .describe('Parts of the day; the first in which a moment lies counts, outside of all the price stays as it is.'),
  })
  .describe('Cheaper or dearer by the time of day. Default: off.');

function isTimeZone(name: string): boolean {
  try {
    return name === 'local' || new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const rate = z
  .strictObject({
    source: z
      .enum(['fixed', 'file', 'http'])
      .describe('fixed: per_bitcoin. file: the figure in path. http: the figure at url.'),
    currency: fiat.default('USD').describe('The currency of prices that are turned into msat. Default USD.'),
    per_bitcoin: decimal('Of source fixed: what a bitcoin costs.', { isPositive: true }).optional(),
    path: text('Of source file: the file, relative to this one; its figure is as old as its last change.').optional(),
    url: z
      .string()
      .refine((value) => /^https?:\/\//.test(value) && URL.canParse(value), {
        error: 'expected an http or https URL',
        params: { cure: 'write it like https://host/path?key=value' },
      })
      .optional()
      .describe('Of source http: what is asked. Never logged.'),
    json_path: text(
      'Where the figure stands in JSON: keys and places in lists with a dot between, like bitcoin.usd or data.0.price. Default: the file, or the answer, is the figure.',
    ).optional(),
    cache_seconds: seconds('How long a figure is used before file or server are asked again.', 60, 86_400),
    timeout_seconds: seconds('How long a server may take to answer.', 10, 600),
    stale_seconds: seconds(
      'How old a figure may be; then models priced in the currency are not for sale until there is a new one.',
      3600,
    ),
    min_per_bitcoin: decimal('A figure below this is not believed. Default: any.', { isPositive: true }).optional(),
    max_per_bitcoin: decimal('A figure above this is not believed. Default: any.', { isPositive: true }).optional(),
  })
  .describe('What a bitcoin costs, for prices in another currency than sat and msat. Default: none such.');

/** Prices, as written. */
export const pricingSchema = z
  .strictObject({
    lists: z
      .array(text('A price list, relative to this file.'))
      .default([])
      .describe(
        'Price list files. An exact id counts before any pattern, then llm.models before the lists, an earlier list before a later one, and an earlier entry before a later one. Default: none.',
      ),
    in_flight_surge: surge.optional(),
    hours: hours.optional(),
    rate: rate.optional(),
  })
  .describe('What things cost. A model without a price is not for sale.');

export type WrittenPricing = z.infer<typeof pricingSchema>;
