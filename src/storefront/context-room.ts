import type { InputCount } from '../estimating/counting.ts';
import type { CheckedRequest } from '../openai/checked-request.ts';
import type { CountedHow } from '../pricing/price.ts';
import type { ImageTokens } from '../openai/image.ts';
import { imageRoom } from './image-room.ts';
import type { Refused } from './offer.ts';

const TAKES = { exact: 'takes', estimate: 'takes about', bound: 'takes about', convention: 'counts as' } as const;

/** A shorter answer is worth nothing to a buyer that did not ask for one. */
const LEAST_ANSWER_TOKENS = 16;

type Request = Pick<CheckedRequest, 'namesCap' | 'maxOutputTokensPerChoice' | 'promptText' | 'images'>;
type Input = Pick<InputCount, 'tokens' | 'longestTextTokens'> & { readonly how: Pick<CountedHow, 'accuracy'> };

const refuse = (refusal: Refused['refusal'], message: string): Refused => ({ refusal, message });

/**
 * The tokens that each choice may produce: the cap of the request; of one that names none what fits beside its prompt, at most that cap. Prompt
 * and answer share the context of the model, and a server that has no room for both cuts the prompt or the answer without a word. `imageTokens`:
 * what an image takes, where that is known.
 */
export function outputRoom(
  request: Request,
  input: Input,
  contextTokens = Infinity,
  imageTokens?: ImageTokens,
): number | Refused {
  const { namesCap, maxOutputTokensPerChoice: cap, promptText, images } = request;
  if (cap === 0) return textsFit(promptText, input, contextTokens);
  const tokens = input.tokens + imageRoom(images.sizes, imageTokens);
  const room = contextTokens - tokens;
  if (room >= cap) return cap;
  const context = `the ${contextTokens} tokens that this model has for prompt and answer together`;
  // A count may stop above the limit: then it is not the prompt's.
  if (input.tokens >= contextTokens) return refuse('payload-too-large', `the prompt does not fit into ${context}`);
  const taken = `the prompt ${images.count > 0 ? 'takes with its images up to' : TAKES[input.how.accuracy]} ${tokens} of ${context}`;
  if (namesCap && room > 0)
    return refuse('unsupported-params', `${taken}: ask for at most ${room} of output, not ${cap}`);
  if (room < LEAST_ANSWER_TOKENS) return refuse('payload-too-large', `${taken}: no answer fits beside it`);
  return room;
}

/** Without output, each text has the context to itself. Where they were only counted together, the longest is taken to have its part by its bytes. */
function textsFit(texts: readonly string[], { tokens, longestTextTokens }: Input, contextTokens: number): 0 | Refused {
  const longest = longestTextTokens ?? longestByBytes(texts, tokens);
  if (longest <= contextTokens) return 0;
  const context = `the ${contextTokens} tokens that this model has for each text`;
  return refuse('payload-too-large', `a text of about ${longest} tokens does not fit into ${context}`);
}

function longestByBytes(texts: readonly string[], tokens: number): number {
  const bytes = texts.map((text) => Buffer.byteLength(text));
  const sum = bytes.reduce((total, one) => total + one, 0);
  return Math.ceil((tokens * Math.max(...bytes)) / Math.max(1, sum));
}
