import type { UpstreamFill } from './checked-request.ts';
import { scanObject } from './json-scan.ts';
import type { JsonMember } from './json-scan.ts';
import type { Kind } from './kinds/kind.ts';

export interface UpstreamParts {
  readonly kind: Kind;
  readonly body: Uint8Array;
  readonly members: readonly JsonMember[];
  readonly value: Readonly<Record<string, unknown>>;
  readonly cap: number;
  /** Ask for the usage chunk of a stream whose buyer did not. */
  readonly askUsage: boolean;
  readonly fill: UpstreamFill;
}

/** Bytes `start` to `end` are replaced; equal: put in. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The buyer's bytes with what they leave open spliced in. The backend obeys one spelling of the cap; where the buyer used the other one, the key
 * is renamed: leaving it would leave the backend without a limit, giving both is refused by some servers.
 */
export function upstreamBody({ kind, body, members, value, cap, askUsage, fill }: UpstreamParts): Uint8Array {
  const at = new Map(members.map((member) => [member.key, member]));
  const splices: Splice[] = [];
  const added: string[] = [];
  const isGiven = (key: string): boolean => value[key] !== undefined && value[key] !== null;
  const set = (key: string, json: string): void => {
    const member = at.get(key);
    if (member === undefined) added.push(`"${key}":${json}`);
    else splices.push({ start: member.valueStart, end: member.valueEnd, text: json });
  };
  if (fill.model !== undefined && fill.model !== value['model']) set('model', JSON.stringify(fill.model));
  const obeyed = kind.caps.length > 1 && fill.cap !== 'both' ? [fill.cap] : kind.caps;
  const other = at.get(kind.caps.find((key) => !obeyed.includes(key) && isGiven(key)) ?? '');
  for (const key of obeyed) {
    if (isGiven(key)) continue;
    if (other === undefined || at.has(key)) set(key, `${cap}`);
    else splices.push({ start: other.keyStart, end: other.keyEnd, text: `"${key}"` });
  }
  for (const [key, json] of Object.entries(kind.defaults)) if (!isGiven(key)) set(key, json);
  if (askUsage) askForUsage(body, at.get('stream_options'), isGiven('stream_options'), splices, set);
  // A checked body has members: at least its model.
  const end = members.at(-1)?.valueEnd ?? body.length;
  if (added.length > 0) splices.push({ start: end, end, text: `,${added.join(',')}` });
  return spliced(body, splices);
}

/** A JSON object's bytes with another `model`, all else as it was; for a body that is an object to JSON.parse. Throws JsonScanError. */
export function bodyForModel(body: Uint8Array, model: string): Uint8Array {
  const members = scanObject(body);
  const member = members.find(({ key }) => key === 'model');
  const json = JSON.stringify(model);
  if (member !== undefined) return spliced(body, [{ start: member.valueStart, end: member.valueEnd, text: json }]);
  const last = members.at(-1);
  const at = last?.valueEnd ?? body.indexOf('{'.charCodeAt(0)) + 1;
  return spliced(body, [{ start: at, end: at, text: `${last ? ',' : ''}"model":${json}` }]);
}

function askForUsage(
  body: Uint8Array,
  options: JsonMember | undefined,
  isGiven: boolean,
  splices: Splice[],
  set: (key: string, json: string) => void,
): void {
  if (options === undefined || !isGiven) return set('stream_options', '{"include_usage":true}');
  const members = scanObject(body.subarray(options.valueStart, options.valueEnd));
  const usage = members.find(({ key }) => key === 'include_usage');
  const offset = options.valueStart;
  if (usage !== undefined)
    splices.push({ start: offset + usage.valueStart, end: offset + usage.valueEnd, text: 'true' });
  else
    splices.push({ start: offset + 1, end: offset + 1, text: `"include_usage":true${members.length > 0 ? ',' : ''}` });
}

function spliced(body: Uint8Array, splices: readonly Splice[]): Uint8Array {
  if (splices.length === 0) return body;
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { start, end, text } of splices.toSorted((a, b) => a.start - b.start)) {
    parts.push(body.subarray(at, start), new TextEncoder().encode(text));
    at = end;
  }
  parts.push(body.subarray(at));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
