import type { CheckedRequest, Refusal, RequestLimits, TaskKind, UpstreamFill } from './checked-request.ts';
import { JsonScanError, scanObject } from './json-scan.ts';
import type { JsonMember } from './json-scan.ts';
import { foldKey, knownKeys } from './known-keys.ts';
import { promptTextOf } from './prompt-text.ts';
import { RefusedRequest, refuse } from './refuse.ts';
import { checkStreamOptions, upstreamBody } from './upstream-body.ts';

export type { CheckedRequest, Refusal, RequestLimits, TaskKind, UpstreamFill } from './checked-request.ts';

/** The field by which a server is told how much a chat may produce. */
export type OutputCapField = UpstreamFill['cap'];

export const taskKinds: readonly TaskKind[] = ['openai.chat_completions.v1', 'openai.responses.v1'];

const isTaskKind = (value: string): value is TaskKind => taskKinds.includes(value as TaskKind);

const MAX_TOP_LOGPROBS = 20;
/** Run by the server during the call, at its owner's cost, or fetching what the buyer names. `web_search` passes: codex always lists it. */
const hostedTools = /^(mcp|file_search|code_interpreter|image_generation)/;
const pricedTiers = new Set<unknown>(['auto', 'default', 'flex']);
/** Keys whose `false` asks for nothing. */
const flags = new Set([
  'background',
  'use_beam_search',
  'raw',
  'truncate',
  'shift',
  '_debug_render_only',
  'return_hidden_states',
  'images',
]);

/**
 * Checks a request body and bounds what it can cost. `model` is the one that the buyer is quoted for. Pure; linear in the body, safe on hostile
 * bytes. The same body with the caps of the result as limits passes again with the same result.
 */
export function checkRequest(
  taskKind: string,
  body: Uint8Array,
  model: string,
  limits: RequestLimits,
): CheckedRequest | Refusal {
  if (!isTaskKind(taskKind))
    return {
      refusal: 'unsupported-task',
      message: `this task kind is not sold here; these are: ${taskKinds.join(', ')}`,
    };
  try {
    return check(taskKind, body, model, limits);
  } catch (error) {
    if (error instanceof RefusedRequest) return { refusal: 'unsupported-params', message: error.message };
    if (error instanceof JsonScanError)
      return { refusal: 'unsupported-params', message: `the body is not one plain JSON object: ${error.message}` };
    throw error;
  }
}

function check(taskKind: TaskKind, body: Uint8Array, model: string, limits: RequestLimits): CheckedRequest {
  const text = decode(body);
  const { members } = scanObject(body, limits.maxDepth === undefined ? {} : { maxDepth: limits.maxDepth });
  const value = JSON.parse(text) as Record<string, unknown>;
  for (const { key } of members) checkKey(taskKind, key, value[key]);
  if (value['model'] !== model) refuse('"model" must be the model of the quote request, as a text');
  const stream = flag(value, 'stream');
  if (flag(value, 'store')) refuse('"store": true is not sold here: nothing is kept between requests');
  checkTools(value['tools']);
  checkTier(value['service_tier']);
  const present = new Map(members.filter(({ key }) => value[key] !== null).map((member) => [member.key, member]));
  const integer = (key: string, least: number, most: number): number | undefined =>
    integerAt(body, present.get(key), least, most);
  integer('top_logprobs', 0, MAX_TOP_LOGPROBS);
  const isChat = taskKind === 'openai.chat_completions.v1';
  const caps = (isChat ? ['max_tokens', 'max_completion_tokens'] : ['max_output_tokens'])
    .map((key) => integer(key, 1, limits.maxOutputTokens))
    .filter((cap) => cap !== undefined);
  if (new Set(caps).size > 1) refuse('"max_tokens" and "max_completion_tokens" differ: send one of them');
  const maxOutputTokensPerChoice = caps[0] ?? limits.maxOutputTokens;
  const choices = (isChat ? integer('n', 1, limits.maxChoices ?? 1) : undefined) ?? 1;
  const usageWanted = !isChat || checkStreamOptions(value['stream_options']) || !stream;
  const { messageCount, text: promptText, images } = promptTextOf(taskKind, value, limits.allowImages ?? false);
  return {
    taskKind,
    model,
    stream,
    usageWanted,
    choices,
    maxOutputTokensPerChoice,
    maxOutputTokens: maxOutputTokensPerChoice * choices,
    inputBytes: body.length,
    messageCount,
    promptText,
    images,
    upstreamBody: (fill) =>
      upstreamBody({
        taskKind,
        body,
        members,
        value,
        cap: maxOutputTokensPerChoice,
        askUsage: fill.usage && !usageWanted,
        fill,
      }),
  };
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return refuse('the body is not valid UTF-8');
  }
}

function checkKey(taskKind: TaskKind, key: string, value: unknown): void {
  const { spelling, refused } = knownKeys[taskKind];
  const known = spelling.get(foldKey(key));
  if (known === undefined) return;
  if (known !== key)
    refuse(
      `a key is spelled almost like "${known}", which servers read differently: spell it exactly so, or leave it out`,
    );
  const reason = refused.get(key);
  if (reason === undefined || value === null || (value === false && flags.has(key))) return;
  refuse(`"${key}" is not sold here: ${reason}`);
}

function flag(value: Record<string, unknown>, key: string): boolean {
  const given = value[key] ?? false;
  return typeof given === 'boolean' ? given : refuse(`"${key}" must be true or false`);
}

/** Plain decimal digits only: some servers take 1e3, 10.0 or "10" for a number, others do not. */
function integerAt(body: Uint8Array, member: JsonMember | undefined, least: number, most: number): number | undefined {
  if (member === undefined) return undefined;
  const raw = new TextDecoder().decode(
    body.subarray(member.valueStart, Math.min(member.valueEnd, member.valueStart + 20)),
  );
  const value = /^(0|[1-9][0-9]{0,15})$/.test(raw) ? Number(raw) : Number.NaN;
  if (value >= least && value <= most) return value;
  return refuse(`"${member.key}" must be a whole number from ${least} to ${most}, in plain digits`);
}

function checkTools(tools: unknown): void {
  if (!Array.isArray(tools)) return;
  for (const [index, tool] of tools.entries()) {
    if (typeof tool !== 'object' || tool === null) continue;
    const { type, tools: nested } = tool as { type?: unknown; tools?: unknown };
    const hosted = typeof type === 'string' ? hostedTools.exec(type)?.[0] : undefined;
    if (hosted !== undefined)
      refuse(`tools[${index}]: "${hosted}" is not sold here: only tools that the client runs itself`);
    checkTools(nested);
  }
}

function checkTier(tier: unknown): void {
  if (tier !== undefined && tier !== null && !pricedTiers.has(tier))
    refuse('"service_tier" must be "auto", "default" or "flex": others cost more than is priced');
}
