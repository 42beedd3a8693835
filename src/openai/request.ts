import type { CheckedRequest, Refusal, RequestLimits, TaskKind, UpstreamFill } from './checked-request.ts';
import { refuseForbidden } from './forbidden.ts';
import { foldKey, scanObject } from './json-scan.ts';
import type { ScannedObject } from './json-scan.ts';

export type { CheckedRequest, Refusal, RequestLimits, TaskKind, UpstreamFill } from './checked-request.ts';
export type OutputCapField = UpstreamFill['cap'];

const refuse = (message: string): Refusal => ({ refusal: 'unsupported-params', message });

/** Keys that decide what a job costs or how it is answered; spelled otherwise, some server would still read them. */
const decisiveKeys = [
  'model',
  'messages',
  'input',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'n',
  'store',
  'background',
  'include_usage',
];
const capKeys = {
  'openai.chat_completions.v1': ['max_tokens', 'max_completion_tokens'],
  'openai.responses.v1': ['max_output_tokens'],
} as const;

/**
 * The gate: bounds what a request body can make a backend do, so that the price which is quoted for it holds. The same body passes again, with
 * the same result, when it runs.
 */
export function checkRequest(
  taskKind: TaskKind,
  body: Uint8Array,
  model: string,
  limits: RequestLimits,
): CheckedRequest | Refusal {
  const scanned = scanBody(body);
  if ('failure' in scanned) return refuse(scanned.failure);
  const { value } = scanned;
  const isChat = taskKind === 'openai.chat_completions.v1';
  if (value['model'] !== model) return refuse('"model" differs from the model of the request params');
  const work = isChat ? value['messages'] : value['input'];
  if (
    isChat
      ? !Array.isArray(work) || work.length === 0
      : !((Array.isArray(work) && work.length > 0) || (typeof work === 'string' && work !== ''))
  ) {
    return refuse(`"${isChat ? 'messages' : 'input'}" is missing or empty`);
  }
  const odd = oddKeys(scanned) ?? refuseForbidden(taskKind, value);
  if (odd !== undefined) return refuse(odd);
  const { stream = null, n = null } = value;
  if (stream !== null && typeof stream !== 'boolean') return refuse('"stream" must be true or false');
  const choices = isChat && n !== null ? n : 1;
  const maxChoices = limits.maxChoices ?? 1;
  if (!isCount(choices) || choices > maxChoices) return refuse(`"n" must be a whole number from 1 to ${maxChoices}`);
  const cap = outputCap(taskKind, value, limits.maxOutputTokens);
  if (typeof cap === 'string') return refuse(cap);
  const usage = wantsUsage(value);
  if (typeof usage === 'string') return refuse(usage);
  const isStream = stream === true;
  return {
    taskKind,
    model,
    stream: isStream,
    usageWanted: !isChat || !isStream || usage,
    choices,
    maxOutputTokensPerChoice: cap,
    maxOutputTokens: cap * choices,
    inputBytes: body.length,
    messageCount: Array.isArray(work) ? work.length : 1,
    promptText: promptText(value, work),
    images: { count: 0, bytes: 0 },
    upstreamBody: (fill) =>
      fillIn(scanned, { taskKind, cap, askUsage: fill.usage && isChat && isStream && !usage, field: fill.cap }),
  };
}

/** All that can reach the model: messages or input, and the tools. */
function promptText(value: ScannedObject['value'], work: unknown): string[] {
  const parts = [
    ...(Array.isArray(work) ? work : [work]),
    value['tools'],
    value['instructions'],
    value['response_format'],
    value['text'],
  ];
  return parts
    .filter((part) => part !== undefined && part !== null)
    .map((part) => (typeof part === 'string' ? part : JSON.stringify(part)));
}

interface ScannedBody extends ScannedObject {
  readonly text: string;
}

function scanBody(body: Uint8Array): ScannedBody | { failure: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return { failure: 'the body is not valid UTF-8' };
  }
  const scanned = scanObject(text);
  return 'failure' in scanned ? scanned : { ...scanned, text };
}

/** Some servers match keys without regard to case: a second spelling could say something else than what was priced. */
function oddKeys({ members, value }: ScannedObject): string | undefined {
  const options = value['stream_options'];
  const nested = typeof options === 'object' && options !== null ? Object.keys(options) : [];
  for (const key of [...members.map((member) => member.key), ...nested]) {
    const folded = foldKey(key);
    if (folded !== key && decisiveKeys.includes(folded))
      return `a key is spelled like "${folded}" but not exactly; write "${folded}"`;
  }
  return undefined;
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;

function outputCap(taskKind: TaskKind, value: ScannedObject['value'], most: number): number | string {
  const given = capKeys[taskKind].filter((key) => value[key] !== undefined && value[key] !== null);
  for (const key of given) {
    const cap = value[key];
    if (!isCount(cap) || cap > most) return `"${key}" must be a whole number from 1 to ${most}`;
  }
  const caps = new Set(given.map((key) => value[key] as number));
  if (caps.size > 1) return '"max_tokens" and "max_completion_tokens" differ; give one of them';
  return caps.values().next().value ?? most;
}

function wantsUsage(value: ScannedObject['value']): boolean | string {
  const options = value['stream_options'];
  if (options === undefined || options === null) return false;
  if (typeof options !== 'object' || Array.isArray(options)) return '"stream_options" must be an object';
  const wanted = (options as Record<string, unknown>)['include_usage'] ?? false;
  return typeof wanted === 'boolean' ? wanted : '"include_usage" must be true or false';
}

interface Gaps {
  readonly taskKind: TaskKind;
  readonly cap: number;
  readonly askUsage: boolean;
  readonly field: OutputCapField;
}

/** Puts the missing members in front, and replaces those that are null or say less: text is cut and joined, never written anew. */
function fillIn({ text, members, value, bodyStart }: ScannedBody, gaps: Gaps): Uint8Array {
  const set = new Map<string, string>();
  const isOpen = (key: string) => value[key] === undefined || value[key] === null;
  for (const key of capFieldsOf(gaps, isOpen)) set.set(key, String(gaps.cap));
  if (gaps.askUsage) {
    const options = (value['stream_options'] ?? {}) as Record<string, unknown>;
    set.set('stream_options', JSON.stringify({ ...options, include_usage: true }));
  }
  if (gaps.taskKind === 'openai.responses.v1' && value['store'] !== false) set.set('store', 'false');
  let filled = '';
  let from = bodyStart;
  for (const { key, valueStart, valueEnd } of members) {
    const replacement = set.get(key);
    if (replacement === undefined) continue;
    filled += text.slice(from, valueStart) + replacement;
    from = valueEnd;
    set.delete(key);
  }
  const added = [...set].map(([key, json]) => `${JSON.stringify(key)}:${json},`).join('');
  return new TextEncoder().encode(text.slice(0, bodyStart) + added + filled + text.slice(from));
}

/** The cap is always named upstream, in the field that this server reads. */
function capFieldsOf({ taskKind, field }: Gaps, isOpen: (key: string) => boolean): string[] {
  if (taskKind === 'openai.responses.v1') return isOpen('max_output_tokens') ? ['max_output_tokens'] : [];
  const wanted = field === 'both' ? ['max_tokens', 'max_completion_tokens'] : [field];
  return wanted.filter(isOpen);
}
