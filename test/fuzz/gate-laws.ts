import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readJsonBody } from '../../src/openai/json-body.ts';
import { JsonScanError } from '../../src/openai/json-scan.ts';
import { foldKey } from '../../src/openai/refused-fields.ts';
import { checkRequest, kinds, taskKinds } from '../../src/openai/request.ts';
import type { TaskKind, UpstreamFill } from '../../src/openai/request.ts';
import { finish } from '../../src/turns/steps.ts';
import { mutated } from './arbitrary-bytes.ts';
import { oddJson, requestText } from './arbitrary-json.ts';
import { law } from './law.ts';
import { hasTwins, plain, readStrictJson } from './strict-json.ts';

const limits = { maxOutputTokens: 100, maxChoices: 4, allowedFields: ['guided_json'] };
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
const fill = fc.record<UpstreamFill>({
  cap: fc.constantFrom('max_tokens', 'max_completion_tokens', 'both'),
  usage: fc.boolean(),
});
const body = (taskKind: TaskKind): fc.Arbitrary<Uint8Array> => {
  const whole = requestText(taskKind).map(encode);
  return fc.oneof({ weight: 4, arbitrary: whole }, mutated(whole), fc.uint8Array({ maxLength: 50 }));
};
const request = fc
  .constantFrom(...taskKinds)
  .chain((taskKind) => fc.tuple(fc.constant(taskKind), body(taskKind), fill));

const CAPS = ['max_tokens', 'max_completion_tokens', 'max_output_tokens'];
const filled = new Set([...CAPS, 'stream_options', 'store']);
const MAX_DETAIL = 32;
type Value = Readonly<Record<string, unknown>>;
const others = (value: Value): Value => Object.fromEntries(Object.entries(value).filter(([key]) => !filled.has(key)));

/** The members as the plainest reader finds them; each key once, at any depth. */
function membersOf(bytes: Uint8Array): Value {
  const json = readStrictJson(decode(bytes));
  assert.ok(!hasTwins(json), 'a key stands twice');
  assert.deepEqual(plain(json), JSON.parse(decode(bytes)));
  const { members } = json as { members: readonly (readonly [string, unknown])[] };
  const folded = members.map(([key]) => foldKey(key));
  assert.equal(new Set(folded).size, folded.length, 'two keys are spelled almost alike');
  return plain(json) as Value;
}

/** All texts in a value, not its keys. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);

export const gateLaws = [
  law(
    'gate',
    'a body is read as JSON.parse and the plainest reader read it, or refused',
    fc.oneof(
      fc.array(oddJson, { maxLength: 4 }).map((values) => encode(`{${values.map((v, i) => `"${i}":${v}`).join(',')}}`)),
      mutated(oddJson.map((json) => encode(`{"a":${json},"b":1}`))),
      fc.uint8Array(),
    ),
    (bytes) => {
      try {
        const { members, value } = finish(readJsonBody(bytes, {}));
        assert.deepEqual(membersOf(bytes), value);
        const read = members.map(({ key, valueStart, valueEnd }) => [
          key,
          JSON.parse(decode(bytes.subarray(valueStart, valueEnd))) as unknown,
        ]);
        assert.deepEqual(Object.fromEntries(read), value);
      } catch (error) {
        if (!(error instanceof JsonScanError)) throw error;
        let json;
        try {
          json = readStrictJson(decode(bytes));
        } catch {
          return; // refused by both
        }
        assert.ok(Array.isArray(json) || typeof json !== 'object' || json === null || hasTwins(json), error.message);
      }
    },
    1_000,
  ),
  law(
    'gate',
    'a request is refused, or the backend gets what was priced: each key once, known fields only, the caps as priced',
    request,
    ([taskKind, bytes, how]) => {
      const result = checkRequest(taskKind, bytes, 'm', limits);
      if ('refusal' in result) return assert.ok(result.message.length > 0);
      const given = membersOf(bytes);
      const upstream = membersOf(result.upstreamBody(how));
      const known = [...Object.keys(kinds[taskKind].fields), ...limits.allowedFields];
      assert.deepEqual(
        Object.entries(upstream).filter(([key, value]) => value !== null && !known.includes(key)),
        [],
      );
      const isChat = taskKind === 'openai.chat_completions.v1';
      const { caps } = kinds[taskKind];
      const obeyed = isChat && how.cap !== 'both' ? [how.cap] : caps;
      for (const cap of CAPS) {
        const priced = caps.includes(cap) ? [result.maxOutputTokensPerChoice] : [];
        const allowed = [...priced, ...(obeyed.includes(cap) ? [] : [null, undefined])];
        assert.ok(allowed.includes(upstream[cap] as number), `${cap} is ${String(upstream[cap])}`);
      }
      assert.equal(upstream['n'] ?? 1, result.choices);
      assert.equal(upstream['model'], 'm');
      assert.equal(result.maxOutputTokens > 0, caps.length > 0);
      assert.equal(result.maxOutputTokens, result.maxOutputTokensPerChoice * result.choices);
      assert.ok(result.maxOutputTokensPerChoice <= limits.maxOutputTokens && result.choices <= limits.maxChoices);
      assert.deepEqual(others(upstream), others(given));
      if (isChat && result.stream && (how.usage || result.usageWanted))
        assert.equal((upstream['stream_options'] as Value)['include_usage'], true);
    },
    2_000,
  ),
  law(
    'gate',
    'embeddings: the backend gets the texts that were counted, each of them once, and no others',
    fc.tuple(body('openai.embeddings.v1'), fill),
    ([bytes, how]) => {
      const result = checkRequest('openai.embeddings.v1', bytes, 'm', limits);
      if ('refusal' in result) return;
      const sent = result.upstreamBody(how);
      assert.deepEqual(sent, bytes);
      const { input, guided_json: allowed } = membersOf(sent);
      const texts = Array.isArray(input) ? (input as unknown[]) : [input];
      assert.equal(result.shape.user, texts.length);
      assert.deepEqual(result.promptText.slice(0, texts.length), texts);
      assert.equal(result.promptText.length, texts.length + (allowed === undefined || allowed === null ? 0 : 1));
      assert.ok(texts.every((text) => typeof text === 'string' && text !== ''));
    },
    1_000,
  ),
  law(
    'gate',
    'where images are sold: whatever stands in the input is counted, as text or as an image, and few images are large',
    request,
    ([taskKind, bytes, how]) => {
      const result = checkRequest(taskKind, bytes, 'm', { ...limits, allowImages: true });
      if ('refusal' in result) return;
      const { count, bytes: imageBytes } = result.images;
      const input = textsOf(membersOf(result.upstreamBody(how))[kinds[taskKind].input]);
      const uncounted = lengthOf(input) - lengthOf(result.promptText);
      assert.ok(uncounted <= imageBytes + MAX_DETAIL * count, `${uncounted} characters are not counted`);
      assert.ok(count <= 16 && (count > 0 || imageBytes === 0));
      if (taskKind === 'openai.embeddings.v1') assert.equal(count, 0);
    },
    2_000,
  ),
  law('gate', 'what the backend gets passes the gate again, as it was priced', request, ([taskKind, bytes, how]) => {
    const first = checkRequest(taskKind, bytes, 'm', limits);
    if ('refusal' in first) return;
    const again = checkRequest(taskKind, first.upstreamBody(how), 'm', {
      ...limits,
      maxOutputTokens: first.maxOutputTokensPerChoice,
      maxChoices: first.choices,
    });
    assert.ok(!('refusal' in again), 'refused the second time');
    assert.deepEqual(again.promptText, first.promptText);
    assert.equal(again.maxOutputTokens, first.maxOutputTokens);
  }),
];
