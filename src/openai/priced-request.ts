import type { CheckedRequest, RequestLimits } from './checked-request.ts';
import { inputShapeOf } from './input-shape.ts';
import type { JsonMember } from './json-scan.ts';
import type { TaskKind } from './kinds/kind.ts';
import { kinds } from './kinds/kinds.ts';
import { promptTextOf } from './prompt-text.ts';
import type { CheckedBody } from './prompt-text.ts';
import { refuse } from './refuse.ts';
import { upstreamBody } from './upstream-body.ts';

/** What a body that passed the rules can cost, and what the backend is sent for it. */
export function pricedRequest(
  taskKind: TaskKind,
  body: Uint8Array,
  json: CheckedBody,
  model: string,
  { maxOutputTokens, maxChoices = 1, allowedFields = [] }: RequestLimits,
): CheckedRequest {
  const { members, value } = json;
  if (value['model'] !== model) refuse('"model" must be the model of the quote request, as a text');
  const kind = kinds[taskKind];
  const present = new Map(members.filter(({ key }) => value[key] !== null).map((member) => [member.key, member]));
  const caps = kind.caps
    .map((key) => integerAt(body, present.get(key), maxOutputTokens))
    .filter((cap) => cap !== undefined);
  if (new Set(caps).size > 1) refuse(`${kind.caps.map((cap) => `"${cap}"`).join(' and ')} differ: send one of them`);
  const maxOutputTokensPerChoice = kind.caps.length === 0 ? 0 : (caps[0] ?? maxOutputTokens);
  const choices = (Object.hasOwn(kind.fields, 'n') ? integerAt(body, present.get('n'), maxChoices) : undefined) ?? 1;
  const stream = value['stream'] === true;
  const usageWanted = kind.stream !== 'chat-chunks' || wantsUsage(value['stream_options']) || !stream;
  return {
    taskKind,
    model,
    stream,
    usageWanted,
    choices,
    namesCap: caps.length > 0,
    maxOutputTokensPerChoice,
    maxOutputTokens: maxOutputTokensPerChoice * choices,
    inputBytes: body.length,
    shape: inputShapeOf(kind, value),
    ...promptTextOf(kind, body, json, allowedFields),
    upstreamBody: (fill) =>
      upstreamBody({
        kind,
        body,
        members,
        value,
        cap: maxOutputTokensPerChoice,
        askUsage: fill.usage && !usageWanted,
        fill,
      }),
  };
}

/** Plain decimal digits only: some servers take 1e3, 10.0 or "10" for a number, others do not. */
function integerAt(body: Uint8Array, member: JsonMember | undefined, most: number): number | undefined {
  if (member === undefined) return undefined;
  const { key, valueStart, valueEnd } = member;
  const raw = new TextDecoder().decode(body.subarray(valueStart, Math.min(valueEnd, valueStart + 20)));
  const value = /^[1-9][0-9]{0,15}$/.test(raw) ? Number(raw) : Number.NaN;
  return value <= most ? value : refuse(`"${key}" must be a whole number from 1 to ${most}, in plain digits`);
}

/** vLLM puts usage into every chunk for `continuous_usage_stats`, but only together with the usage that we would ask for. */
function wantsUsage(options: unknown): boolean {
  const given = (options ?? {}) as { include_usage?: boolean | null; continuous_usage_stats?: boolean | null };
  const isWanted = given.include_usage ?? false;
  if (!isWanted && given.continuous_usage_stats === true)
    refuse('"stream_options.continuous_usage_stats" needs "include_usage": true');
  return isWanted;
}
