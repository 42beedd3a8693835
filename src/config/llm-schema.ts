import { z } from 'zod';
import { whole } from './fields.ts';
import { modelFields, priceSchema } from './price-entry.ts';

const UINT32_MAX = 4_294_967_295;

const modelId = z.string().min(1, { error: 'a model id can not be empty' });

const model = z
  .strictObject({
    ...modelFields,
    price: priceSchema.optional(),
    model: z
      .string()
      .optional()
      .meta({ deprecated: true })
      .describe('Deprecated, of go-lcpd: the model id, when the key is not it.'),
    profile: z.string().optional().meta({ deprecated: true }).describe('Deprecated, of go-lcpd: as model.'),
  })
  .describe('What is said about this model here counts before the price lists.');

/** Language models, as written. */
export const llmSchema = z
  .strictObject({
    max_output_tokens: whole(
      'Tokens that one answer may have, where neither the model nor its price list entry says otherwise. A buyer that asks for more is declined.',
      4096,
      { max: UINT32_MAX },
    ),
    models: z
      .record(modelId, model)
      .optional()
      .describe('Single models by their exact id: own price, cap or estimator. Default: the price lists alone.'),
    price_table: z
      .record(modelId, priceSchema)
      .optional()
      .meta({ deprecated: true })
      .describe('Deprecated, of go-lcpd: prices by model id, where llm.models names none. Use llm.models.'),
    chat_profiles: z
      .record(modelId, model)
      .optional()
      .meta({ deprecated: true })
      .describe('Deprecated, of go-lcpd: as llm.models, counts only without it.'),
  })
  .describe('Language models.');
