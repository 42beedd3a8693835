import type { Effect } from '../job/effect.ts';
import type { Job } from '../job/job.ts';
import { LedgerError } from './ledger.ts';

/** The format of the texts that are written now. Raise it, and add an upgrade, when an old text would be misread. */
export const RECORD_FORMAT = 1;

type Fields = Record<string, unknown>;

/** Leads the fields of a job of format n to n + 1, at key n. Adding an optional field needs none. */
const UPGRADES: Readonly<Record<number, (fields: Fields) => Fields>> = {};

/**
 * A job as text: JSON, with bigint as `{"$msat":"123"}`. Fields that this program does not know are kept.
 * Throws LedgerError for what JSON would lose in silence (NaN, functions).
 */
export function encodeJob(job: Job): string {
  return JSON.stringify({ format: RECORD_FORMAT, job }, packed);
}

/** The job that `encodeJob` took. Throws LedgerError 'corrupt' for other text, 'failed' for a newer format. */
export function decodeJob(text: string, upgrades = UPGRADES, newest = RECORD_FORMAT): Job {
  const outer = parse(text);
  if (!isFields(outer) || !isFields(outer['job']) || !Number.isSafeInteger(outer['format'])) throw notOurs('job', text);
  let format = Number(outer['format']);
  if (format > newest) {
    throw new LedgerError(
      'failed',
      `a job was saved in format ${format}; this program knows up to ${newest}: update it`,
    );
  }
  let fields = outer['job'];
  for (; format < newest; format++) {
    const upgrade = upgrades[format];
    if (upgrade === undefined) throw notOurs('job', text);
    fields = upgrade(fields);
  }
  if (typeof fields['key'] !== 'string' || typeof fields['paymentHash'] !== 'string') throw notOurs('job', text);
  return fields as unknown as Job;
}

/** An effect as text, in the same JSON. */
export function encodeEffect(effect: Effect): string {
  return JSON.stringify(effect, packed);
}

/** The effect that `encodeEffect` took. Throws LedgerError 'corrupt' for other text. */
export function decodeEffect(text: string): Effect {
  const effect = parse(text);
  if (!isFields(effect) || typeof effect['kind'] !== 'string') throw notOurs('effect', text);
  return effect as unknown as Effect;
}

/** Replacer for JSON.stringify. Keys that begin with `$` get one more, so that nothing but a bigint reads as one. */
function packed(this: unknown, _key: string, value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return { $msat: value.toString() };
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      break;
    case 'undefined': // in a job the same as absent; in a list, a hole
      if (!Array.isArray(this)) return value;
      break;
    case 'object':
      if (!isFields(value) || !Object.keys(value).some((key) => key.startsWith('$'))) return value;
      return mapFields(
        value,
        (key) => (key.startsWith('$') ? `$${key}` : key),
        (field) => field,
      );
  }
  throw new LedgerError('failed', `cannot be saved: ${String(value)}`);
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (!isFields(value)) return value;
  if (typeof value['$msat'] === 'string') return BigInt(value['$msat']);
  return mapFields(value, (key) => (key.startsWith('$') ? key.slice(1) : key), unpack);
}

function mapFields(fields: Fields, name: (key: string) => string, map: (value: unknown) => unknown): Fields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [name(key), map(value)]));
}

function parse(text: string): unknown {
  try {
    return unpack(JSON.parse(text));
  } catch (error) {
    throw new LedgerError('corrupt', 'the ledger holds text that is no JSON', { cause: error });
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notOurs(what: string, text: string): LedgerError {
  return new LedgerError('corrupt', `the ledger holds text that is no ${what}, of ${text.length} characters`);
}
