import { readFileSync } from 'node:fs';
import { JsonScanError } from '../openai/json-scan.ts';
import type { TaskKind } from '../openai/request.ts';
import { bodyForModel } from '../openai/upstream-body.ts';

/** The words that people use for the kinds of work. */
const WORDS = {
  'openai.chat_completions.v1': 'chat',
  'openai.responses.v1': 'responses',
  'openai.embeddings.v1': 'embeddings',
} as const satisfies Record<TaskKind, string>;
export type Kind = (typeof WORDS)[TaskKind];

/** The kinds of work by these words. */
export const KINDS = Object.fromEntries(Object.entries(WORDS).map(([taskKind, word]) => [word, taskKind])) as Readonly<
  Record<Kind, TaskKind>
>;
export type Kinds = readonly [Kind, ...Kind[]];

/** A request as the operator gave it. */
export interface Request {
  /** What it may be, the likeliest first. */
  readonly kinds: Kinds;
  readonly model: string;
  readonly body: Uint8Array;
}

/** Reads a request's body; throws an Error that says what to mend. */
export function readRequest(file: string, options: { readonly model?: string; readonly kind?: Kind }): Request {
  const name = file === '-' ? 'standard input' : file;
  const body = readBytes(file, name);
  const value = objectIn(body);
  if (value === undefined)
    throw new Error(`${name} holds no JSON object: give the body of a request, like {"model":"…","messages":[…]}`);
  const kinds: Kinds | undefined = options.kind === undefined ? kindsOf(value) : [options.kind];
  if (kinds === undefined)
    throw new Error(
      `${name} has neither messages (a chat) nor input (a response, embeddings): say what it is with --kind`,
    );
  const model = options.model ?? value['model'];
  if (typeof model !== 'string') throw new Error(`${name} names no model: say --model`);
  return { kinds, model, body: value['model'] === model ? body : renamed(body, model) };
}

function readBytes(file: string, name: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new Error(`${name} can not be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, {
      cause: error,
    });
  }
}

function objectIn(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const kindsOf = (value: object): Kinds | undefined =>
  'messages' in value ? ['chat'] : 'input' in value ? ['responses', 'embeddings'] : undefined;

/** What is ambiguous stays as it is: the gate says what is wrong with it. */
function renamed(body: Uint8Array, model: string): Uint8Array {
  try {
    return bodyForModel(body, model);
  } catch (error) {
    if (error instanceof JsonScanError) return body;
    throw error;
  }
}
