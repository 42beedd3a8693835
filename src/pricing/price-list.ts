import type { Capability } from '../openai/request.ts';
import type { ModelPrice } from './model-price.ts';

/** How a model's input tokens are counted before the job runs. */
export type EstimatorChoice =
  | { readonly name: 'bytes' | 'openai' | 'server' | 'ollama' }
  | { readonly name: 'fixed'; readonly tokens: number }
  /** Absolute paths: a tokenizer.json, and a module of the operator's. */
  | { readonly name: 'huggingface' | 'module'; readonly file: string };

/** `upfront`: work starts when the payment is settled. `hold`: when it is held; it is settled before the first byte leaves. */
export type PaymentMode = 'upfront' | 'hold';

/** What a price list says of the models that its pattern fits. */
export interface PriceEntry {
  /** A model id; `*` stands for any characters. */
  readonly pattern: string;
  readonly price: ModelPrice;
  /** Names under which the model is sold too; only where the pattern is its exact id. Absent: none. */
  readonly aliases?: readonly string[];
  /** Absent: the default of the whole configuration. */
  readonly maxOutputTokens?: number;
  /** Tokens that prompt and answer together may have. Absent: what the backend tells. */
  readonly contextTokens?: number;
  /** Tokens that an image takes of it at most. Absent: what the backend tells, else a bound that holds with any model. */
  readonly imageTokens?: number;
  /** What the model can do, where its backends do not tell. Absent: complete texts. */
  readonly capabilities?: readonly Capability[];
  /** The first that can counts. Absent: the default of the whole configuration. */
  readonly estimators?: readonly EstimatorChoice[];
  /** When the payment is taken. Absent: the default of the whole configuration. */
  readonly paymentMode?: PaymentMode;
}

export interface PriceList {
  /** For the reader: where the list was read from. */
  readonly file: string;
  readonly entries: readonly PriceEntry[];
}

/** True when `text` fits `pattern`, whose `*` stand for any characters. Linear in both lengths for each star. */
export function fitsPattern(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  const last = rest.pop() ?? '';
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}

/**
 * The entry that prices a model: an exact id before any pattern, an earlier list before a later one, an earlier entry before a later one.
 * Undefined: the model is not for sale.
 */
export function findPrice(lists: readonly PriceList[], model: string): PriceEntry | undefined {
  const entries = lists.flatMap((list) => list.entries);
  return entries.find((entry) => entry.pattern === model) ?? entries.find((entry) => fitsPattern(entry.pattern, model));
}
