import type { CheckedRequest } from '../openai/checked-request.ts';
import { partTokens } from '../openai/prompt-part.ts';
import type { Count } from './estimator.ts';
import { MAX_TEXT_BYTES, textBytes } from './text-size.ts';
import { usualTemplateTokens } from './usual-template.ts';

/** Never fewer than the backend counts, as far as its template is a usual one: no token has less than one byte. */
export const textBound = ({ promptText, shape }: Pick<CheckedRequest, 'promptText' | 'shape'>): Count => ({
  tokens: textBytes(promptText) + usualTemplateTokens(shape),
  accuracy: 'bound',
});

/**
 * A request by the tokens of its texts and what is usual of templates, until what this one makes of the parts is learned. `count` gives the tokens of
 * each text; undefined: it would take too long, as with texts that are too large to begin with.
 */
export async function countByTexts(
  request: Pick<CheckedRequest, 'promptText' | 'promptParts' | 'shape'>,
  count: (texts: readonly string[]) => Promise<readonly number[] | undefined>,
): Promise<Count> {
  const { promptText } = request;
  const counts = textBytes(promptText) > MAX_TEXT_BYTES ? undefined : await count(promptText);
  if (counts === undefined) return textBound(request);
  return { ...textEstimate(request, counts), longestTextTokens: Math.max(...counts) };
}

/** By the tokens of each text. */
export const textEstimate = (
  { promptParts, shape }: Pick<CheckedRequest, 'promptParts' | 'shape'>,
  counts: readonly number[],
) => ({
  tokens: counts.reduce((sum, one) => sum + one, usualTemplateTokens(shape)),
  accuracy: 'estimate' as const,
  partTokens: partTokens(promptParts, counts),
});
