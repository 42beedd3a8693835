const LF = 0x0a;
const CLOSING_BRACE = 0x7d;
const PREFIX = new TextEncoder().encode('data: {');
/** What a choice of a chat chunk may carry that a model produced. */
const deltaKeys = ['content', 'reasoning_content', 'reasoning', 'refusal', 'tool_calls', 'function_call'];

interface ChatChunk {
  readonly choices?: unknown;
  readonly usage?: unknown;
  readonly error?: unknown;
}

/**
 * The event that begins at `from`, when it is whole, of one line, and nothing but tokens: its JSON has an element in `choices` and neither usage nor
 * error. Undefined: it is, or may be, something else. Most events of a stream are of this kind, and this is ten times as fast as reading byte by byte.
 */
export function plainTokenEvent(
  bytes: Uint8Array,
  from: number,
): { readonly end: number; readonly hasContent: boolean } | undefined {
  if (!PREFIX.every((byte, index) => bytes[from + index] === byte)) return undefined;
  const lineEnd = bytes.indexOf(LF, from);
  if (lineEnd < 0 || bytes[lineEnd + 1] !== LF || bytes[lineEnd - 1] !== CLOSING_BRACE) return undefined;
  const chunk = parse(bytes, from + PREFIX.length - 1, lineEnd);
  if (chunk === undefined || (chunk.usage ?? chunk.error ?? undefined) !== undefined) return undefined;
  const { choices } = chunk;
  if (!Array.isArray(choices) || choices.length === 0) return undefined;
  return { end: lineEnd + 2, hasContent: choices.some(hasContent) };
}

/** Latin-1 is the fastest way to a string; the keys are ASCII, and what the values say does not matter here. */
function parse(bytes: Uint8Array, from: number, to: number): ChatChunk | undefined {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')) as ChatChunk;
  } catch {
    return undefined;
  }
}

function hasContent(choice: unknown): boolean {
  const { delta } = (choice ?? {}) as { readonly delta?: Readonly<Record<string, unknown>> | null };
  return deltaKeys.some((key) => {
    const value = delta?.[key];
    if (typeof value === 'string') return value !== '';
    return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  });
}
