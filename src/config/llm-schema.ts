import { z } from 'zod';
import { isOpenField } from '../openai/refused-fields.ts';
import { estimatorSchema, howEstimatorsCount } from './estimator-schema.ts';
import { UINT32_MAX, whole } from './fields.ts';
import { modelFields, priceSchema } from './price-entry.ts';

const modelId = z.string().min(1, { error: 'a model id can not be empty' });

const openField = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, { error: 'expected the name of a field, like min_tokens' })
  .refine(isOpenField, {
    error: 'this field can not be allowed: it is known already, or changes what a request costs or where it runs',
    params: { cure: 'take it away' },
  });

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
    estimator: estimatorSchema
      .optional()
      .describe(
        `How input tokens are counted before the job runs, where nothing else is said of the model; of a list the first that can. ${howEstimatorsCount} With openai and huggingface, what chat templates add is learned from finished jobs. Default: ollama and server where there is such a backend, then openai.`,
      ),
    cold_models: z
      .enum(['warm', 'sell'])
      .default('warm')
      .describe(
        'Models that a backend has but not in memory (only Ollama tells). warm: the buyer is asked to come back, and the model is loaded meanwhile. sell: they are sold like others; deadlines.first_byte_seconds then includes loading. Default warm.',
      ),
    allowed_request_fields: z
      .array(openField)
      .default([])
      .describe(
        'Fields that a request may have beside those of the OpenAI API and of common samplers, when every backend bears them: min_tokens, guided_json. Fields that change the price, the model or the place can not be allowed. Default: none.',
      ),
    allowed_tool_types: z
      .array(z.enum(['web_search', 'web_search_preview', 'custom']))
      .optional()
      .describe(
        'Types of tools that a request may list beside functions, when no backend runs them itself: codex lists web_search. Default: web_search when all backends are Ollama (which runs none), else none.',
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
