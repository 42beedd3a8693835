import { z } from 'zod';
import { msat } from '../money/msat.ts';
import type { Capability } from '../openai/request.ts';
import type { PaymentMode, PriceEntry, TokenPrice } from '../pricing/price-list.ts';
import { estimatorChoices, estimatorSchema } from './estimator-schema.ts';
import type { WrittenEstimator } from './estimator-schema.ts';
import { UINT32_MAX, whole } from './fields.ts';

/** 1000 BTC; far above any price, far below what arithmetic can hold. */
const MAX_PRICE_MSAT = 100_000_000_000_000;

const price = (description: string) => z.int().min(0).max(MAX_PRICE_MSAT).describe(description);

/** What a model costs, as written. */
export const priceSchema = z
  .strictObject({
    input_msat_per_mtok: price('msat for a million tokens of input.'),
    cached_input_msat_per_mtok: price(
      'msat for a million tokens of input that the backend had cached. Default: as input.',
    ).optional(),
    output_msat_per_mtok: price('msat for a million tokens of output.'),
    request_msat: whole('msat for the request itself, whatever its length.', 0, { min: 0, max: MAX_PRICE_MSAT }),
  })
  .refine(
    ({ input_msat_per_mtok, output_msat_per_mtok, request_msat }) =>
      input_msat_per_mtok !== 0 || output_msat_per_mtok !== 0 || request_msat !== 0,
    {
      error: 'everything costs 0',
      params: { cure: 'give a price; a model that is not for sale is left out' },
    },
  )
  .describe('Prices in msat (1 sat = 1000 msat) for a million tokens.');

/** What may be said about a model, as written, here and in price lists. */
export const modelFields = {
  max_output_tokens: z
    .int()
    .min(1)
    .max(UINT32_MAX)
    .optional()
    .describe('Tokens that one answer may have. Default: llm.max_output_tokens.'),
  context_tokens: z
    .int()
    .min(1)
    .max(UINT32_MAX)
    .optional()
    .describe(
      'Tokens that prompt and answer together may have, as the model is loaded; when the backend tells fewer, that counts. For servers that do not tell it. Default: what the backend tells.',
    ),
  estimator: estimatorSchema
    .optional()
    .describe(
      'How input tokens are counted before the job runs; of a list the first that can. Default: llm.estimator.',
    ),
  capabilities: z
    .array(z.enum(['completion', 'embedding', 'vision']))
    .min(1)
    .optional()
    .describe(
      'What the model can do, where its backend does not tell (Ollama does): completion, embedding, vision. Default: completion.',
    ),
  payment: z
    .enum(['upfront', 'hold'])
    .optional()
    .describe('When the payment for this model is taken; see payment.mode. Default: payment.mode.'),
};

/** A price list file, as written. */
export const priceListFileSchema = z
  .strictObject({
    models: z
      .record(
        z.string().min(1, { error: 'a model id can not be empty' }),
        z.strictObject({ ...modelFields, price: priceSchema }),
      )
      .describe('Model ids and their prices; * stands for any characters. The first entry that fits counts.'),
  })
  .describe('A price list of lcp-provider.');

type WrittenPrice = z.infer<typeof priceSchema>;

/** What is said about a model, as written and checked. */
export interface WrittenModel {
  readonly max_output_tokens?: number | undefined;
  readonly context_tokens?: number | undefined;
  readonly estimator?: WrittenEstimator | undefined;
  readonly capabilities?: readonly Capability[] | undefined;
  readonly payment?: PaymentMode | undefined;
  readonly price?: WrittenPrice | undefined;
}

/** A price, as the program wants it. */
export const tokenPrice = (written: WrittenPrice): TokenPrice => ({
  inputMsatPerMtok: msat(written.input_msat_per_mtok),
  ...(written.cached_input_msat_per_mtok !== undefined && {
    cachedInputMsatPerMtok: msat(written.cached_input_msat_per_mtok),
  }),
  outputMsatPerMtok: msat(written.output_msat_per_mtok),
  requestMsat: msat(written.request_msat),
});

/** A price list entry without its pattern, as the program wants it; the price may be missing. */
export const modelSettings = (
  written: WrittenModel,
): Omit<PriceEntry, 'pattern' | 'price'> & { price?: TokenPrice } => ({
  ...(written.max_output_tokens !== undefined && { maxOutputTokens: written.max_output_tokens }),
  ...(written.context_tokens !== undefined && { contextTokens: written.context_tokens }),
  ...(written.estimator && { estimators: estimatorChoices(written.estimator) }),
  ...(written.capabilities && { capabilities: written.capabilities }),
  ...(written.payment && { paymentMode: written.payment }),
  ...(written.price && { price: tokenPrice(written.price) }),
});
