import { answerLaws } from './answer-laws.ts';
import { configLaws } from './config-laws.ts';
import { decoderLaws } from './decoder-laws.ts';
import { gateLaws } from './gate-laws.ts';
import type { Law } from './law.ts';
import { streamLaws } from './stream-laws.ts';

/** All that is fuzzed: a little of it in `npm test`, for as long as one likes in `npm run fuzz`. */
export const laws: readonly Law[] = [...decoderLaws, ...streamLaws, ...gateLaws, ...answerLaws, ...configLaws];
