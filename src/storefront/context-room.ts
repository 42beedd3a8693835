import type { Count } from '../estimating/estimator.ts';
import type { CheckedRequest } from '../openai/checked-request.ts';
import type { Refused } from './offer.ts';

/** A shorter answer is worth nothing to a buyer that did not ask for one. */
const LEAST_ANSWER_TOKENS = 16;

const refuse = (refusal: Refused['refusal'], message: string): Refused => ({ refusal, message });

/**
 * The tokens that each choice may produce: the cap of the request; of one that names none what fits beside its prompt, at most that cap. Prompt
 * and answer share the context of the model, and a server that has no room for both cuts the prompt or the answer without a word.
 */
export function outputRoom(
  { namesCap, maxOutputTokensPerChoice: cap }: Pick<CheckedRequest, 'namesCap' | 'maxOutputTokensPerChoice'>,
  { tokens, accuracy }: Count,
  contextTokens: number | undefined,
): number | Refused {
  const room = (contextTokens ?? Infinity) - tokens;
  if (room >= cap) return cap;
  const context = `the ${contextTokens} tokens that this model has for prompt and answer together`;
  // A count may stop above the limit: then it is not the prompt's.
  if (room < 1) return refuse('payload-too-large', `the prompt does not fit into ${context}`);
  const taken = `the prompt takes ${accuracy === 'exact' ? '' : 'about '}${tokens} of ${context}`;
  if (namesCap) return refuse('unsupported-params', `${taken}: ask for at most ${room} of output, not ${cap}`);
  if (room < LEAST_ANSWER_TOKENS) return refuse('payload-too-large', `${taken}: no answer fits beside it`);
  return room;
}
