/** A backend's own figures, in tokens. */
export interface AnswerUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

interface RawUsage {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
  readonly input_tokens?: unknown;
  readonly output_tokens?: unknown;
  readonly input_tokens_details?: { readonly cached_tokens?: unknown } | null;
}

/** The `usage` object of an answer; undefined when it is none, or has odd figures. Answers without output tokens tell none of them. */
export function usageIn(value: unknown, hasOutput = true): AnswerUsage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const raw = value as RawUsage;
  const inputTokens = raw.prompt_tokens ?? raw.input_tokens;
  const outputTokens = hasOutput ? (raw.completion_tokens ?? raw.output_tokens) : 0;
  if (!isCount(inputTokens) || !isCount(outputTokens)) return undefined;
  const cached = (raw.prompt_tokens_details ?? raw.input_tokens_details)?.cached_tokens;
  return { inputTokens, outputTokens, ...(isCount(cached) && cached > 0 ? { cachedInputTokens: cached } : {}) };
}

/**
 * The usage in the text of a `usage` object, when it can be believed: no prompt has 0 tokens, and Ollama tells 0 of output where it gave up early.
 * Undefined otherwise: then our own count is charged.
 */
export function usageOf(text: string | undefined, hasProduced: boolean, hasOutput = true): AnswerUsage | undefined {
  if (text === undefined) return undefined;
  let usage: AnswerUsage | undefined;
  try {
    usage = usageIn(JSON.parse(text), hasOutput);
  } catch {
    return undefined;
  }
  return usage === undefined || usage.inputTokens === 0 || (usage.outputTokens === 0 && hasProduced)
    ? undefined
    : usage;
}

const BYTES_PER_TOKEN = 4;

/** Tokens that so much text most likely is at least. */
export const tokensOfText = (textBytes: number): number => Math.ceil(textBytes / BYTES_PER_TOKEN);
