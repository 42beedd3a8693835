import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BackendError } from './backend.ts';

/** What of a request decides the demo's answer. */
export interface DemoRequest {
  readonly model: string;
  readonly inputTokens: number;
  /** One per choice: the words that fit the cap, each but the first with a space before it. */
  readonly choices: readonly DemoText[];
  readonly usageWanted: boolean;
  /** 24 hex digits that follow from the request's bytes. */
  readonly id: string;
}

export interface DemoText {
  readonly words: readonly string[];
  /** True: the cap ended it. */
  readonly isCut: boolean;
}

/** One thing that is sent, and how many tokens it took to make: the delay before it. */
export interface DemoPiece {
  readonly tokens: number;
  readonly text: string;
}

export const DEMO_MODEL = 'demo';
const MAX_QUOTED_WORDS = 12;
const MAX_CHOICES = 128;

const content = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() })), z.null()]).optional();
const message = z.looseObject({ role: z.string().optional(), content });
const cap = z.int().positive().nullish();

const chatBody = z.looseObject({
  model: z.string(),
  messages: z.array(message).min(1),
  max_tokens: cap,
  max_completion_tokens: cap,
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
});

const responsesBody = z.looseObject({
  model: z.string(),
  instructions: z.string().nullish(),
  input: z.union([z.string(), z.array(message).min(1)]),
  max_output_tokens: cap,
});

export function readChat(body: Uint8Array): DemoRequest {
  const { model, messages, n, stream_options: stream, ...caps } = readBody(chatBody, body);
  const texts = messages.map((item) => textOf(item.content));
  const limits = [caps.max_tokens, caps.max_completion_tokens].filter((limit) => typeof limit === 'number');
  const inputTokens = countWords(texts);
  const choices = answers(texts.at(-1) ?? '', inputTokens, n ?? 1, limits.length === 0 ? null : Math.min(...limits));
  return { model, inputTokens, choices, usageWanted: stream?.include_usage === true, id: idOf(body) };
}

export function readResponse(body: Uint8Array): DemoRequest {
  const { model, instructions, input, max_output_tokens: limit } = readBody(responsesBody, body);
  const texts = typeof input === 'string' ? [input] : input.map((item) => textOf(item.content));
  const inputTokens = countWords([instructions ?? '', ...texts]);
  const choices = answers(texts.at(-1) ?? '', inputTokens, 1, limit);
  return { model, inputTokens, choices, usageWanted: true, id: idOf(body) };
}

const idOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex').slice(0, 24);

/** Reads a body; what is none of that kind is refused as a server would: status 400, and 404 for another model. */
export function readBody<T extends { readonly model: string }>(schema: z.ZodType<T>, body: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new BackendError('the demo takes JSON only', { retryable: false, status: 400 });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new BackendError('the demo does not understand this request', { retryable: false, status: 400 });
  if (parsed.data.model !== DEMO_MODEL)
    throw new BackendError('the demo has no such model', { retryable: false, status: 404 });
  return parsed.data;
}

const textOf = (value: z.infer<typeof content>): string =>
  typeof value === 'string' ? value : (value ?? []).map((part) => part.text ?? '').join(' ');

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

export const countWords = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + wordsOf(text).length, 0);

function answers(question: string, inputTokens: number, count: number, limit: number | null | undefined): DemoText[] {
  const asked = wordsOf(question);
  const quoted = `${asked.slice(0, MAX_QUOTED_WORDS).join(' ')}${asked.length > MAX_QUOTED_WORDS ? ' …' : ''}`;
  return Array.from({ length: count }, (_, index) => {
    const number = count === 1 ? '' : `Answer ${index + 1} of ${count}. `;
    const text = `${number}This is the built-in demo backend: no model thought about this. You sent ${inputTokens} ${
      inputTokens === 1 ? 'word' : 'words'
    } and asked: “${quoted}”. What is real is the sale: this answer was quoted, paid over the Lightning Network, a network of payment channels that settles bitcoin payments within seconds, and streamed to you word by word. Configure a backend, an Ollama server for one, to sell answers of a model.`;
    const words = wordsOf(text).map((word, position) => (position === 0 ? word : ` ${word}`));
    const isCut = typeof limit === 'number' && limit < words.length;
    return { words: isCut ? words.slice(0, limit) : words, isCut };
  });
}
