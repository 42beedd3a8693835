import { z } from 'zod';
import type { EstimatorChoice } from '../pricing/price-list.ts';
import { UINT32_MAX } from './fields.ts';

const choice = z.union([
  z.enum(['bytes', 'openai', 'server', 'ollama']),
  z.strictObject({ fixed: z.int().min(1).max(UINT32_MAX).describe('Tokens of every request.') }),
]);

/** One estimator, or several in the order in which they are tried; as written. */
export const estimatorSchema = z.union([choice, z.array(choice).min(1)], {
  error: 'expected bytes, openai, server, ollama or {fixed: tokens}, or a list of these',
});

export type WrittenEstimator = z.infer<typeof estimatorSchema>;

/** As the program wants it. */
export const estimatorChoices = (written: WrittenEstimator): readonly EstimatorChoice[] =>
  [written].flat().map((one) => (typeof one === 'string' ? { name: one } : { name: 'fixed', tokens: one.fixed }));
