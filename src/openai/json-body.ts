import { DEFAULT_SCAN_LIMITS, JsonScanError, scanObjectInSteps } from './json-scan.ts';
import type { JsonMember, ScanLimits } from './json-scan.ts';

/** A JSON object that every decoder reads alike. */
export interface JsonBody {
  readonly members: readonly JsonMember[];
  readonly value: Readonly<Record<string, unknown>>;
}

/** Members of the outermost object: requests have a dozen. */
const MAX_MEMBERS = 256;

/**
 * Reads a body strictly (RFC 8259, UTF-8), and throws JsonScanError where decoders differ or a limit is passed. It yields where the caller may
 * let others run: 4 MB take up to 20 ms between two yields.
 */
export function* readJsonBody(body: Uint8Array, limits: Partial<ScanLimits>): Generator<void, JsonBody> {
  const members = yield* scanObjectInSteps(body, { ...DEFAULT_SCAN_LIMITS, ...limits });
  if (members.length > MAX_MEMBERS) throw new JsonScanError(`it has more than ${MAX_MEMBERS} members`);
  yield;
  const text = decode(body);
  yield;
  const value = parse(text);
  yield;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new JsonScanError('it is another kind of value');
  return { members, value: value as Readonly<Record<string, unknown>> };
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new JsonScanError('it is not valid UTF-8');
  }
}

/** V8's message quotes the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const at = /at position (\d+)/.exec(String(error))?.[1];
    throw new JsonScanError(at === undefined ? 'it is not valid JSON' : `it is not valid JSON, at character ${at}`);
  }
}
