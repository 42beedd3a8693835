import { z } from 'zod';
import { NANO_PER_ONE } from '../money/decimal.ts';
import { msat } from '../money/msat.ts';
import { capabilities } from '../openai/request.ts';
import type { Capability } from '../openai/request.ts';
import type { FiatPrice, ModelPrice, TokenPrice } from '../pricing/model-price.ts';
import type { PaymentMode, PriceEntry } from '../pricing/price-list.ts';
import { currency, nanoOf } from './amount.ts';
import { estimatorChoices, estimatorSchema } from './estimator-schema.ts';
import type { WrittenEstimator } from './estimator-schema.ts';
import { UINT32_MAX } from './fields.ts';
import { MSAT_KEYS, priceFault, priceShape } from './price-shape.ts';
import type { WrittenPrice } from './price-shape.ts';

const addFault = (context: z.core.$RefinementCtx, price: WrittenPrice, listCurrency?: string, path: string[] = []) => {
  const fault = priceFault(price, listCurrency);
  if (fault) context.addIssue({ code: 'custom', path, message: fault.message, params: { cure: fault.cure } });
};

/** What a model costs, as written in the configuration itself. */
export const priceSchema = priceShape.superRefine((price, context) => addFault(context, price));

const alias = z
  .string()
  .min(1, { error: 'an alias can not be empty' })
  .refine((name) => !name.includes('*'), {
    error: 'an alias is one name',
    params: { cure: 'write it without *' },
  });

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
  image_tokens: z
    .int()
    .min(1)
    .max(UINT32_MAX)
    .optional()
    .describe(
      'Tokens that an image takes of the context at most. Default: what the backend tells (Ollama, of most models that see), else a token for each 28 × 28 pixels and at least 4160, which is enough with nearly every model.',
    ),
  estimator: estimatorSchema
    .optional()
    .describe(
      'How input tokens are counted before the job runs; of a list the first that can. Default: llm.estimator.',
    ),
  capabilities: z
    .array(z.enum(capabilities))
    .min(1)
    .optional()
    .describe(
      `What the model can do, where its backend does not tell (Ollama does): ${capabilities.join(', ')}. Default: completion.`,
    ),
  payment: z
    .enum(['upfront', 'hold'])
    .optional()
    .describe('When the payment for this model is taken; see payment.mode. Default: payment.mode.'),
  aliases: z
    .array(alias)
    .optional()
    .describe(
      'Names under which this model is sold too, at the same price; the backend is asked for the model itself. Default: none.',
    ),
};

/** A price list file, as written. */
export const priceListFileSchema = z
  .strictObject({
    currency: currency
      .optional()
      .describe('What prices of this list are counted in where they name no currency: msat, sat, USD. Default: none.'),
    models: z
      .record(
        z.string().min(1, { error: 'a model id can not be empty' }),
        z.strictObject({ ...modelFields, price: priceShape }),
      )
      .describe(
        'Model ids and their prices; * stands for any characters. An exact id counts before any pattern, then the earlier entry.',
      ),
  })
  .superRefine(({ models, currency: ofList }, context) => {
    for (const [id, { price }] of Object.entries(models)) addFault(context, price, ofList, ['models', id, 'price']);
  })
  .describe('A price list of lcp-provider.');

/** What is said about a model, as written and checked. */
export interface WrittenModel {
  readonly max_output_tokens?: number | undefined;
  readonly context_tokens?: number | undefined;
  readonly image_tokens?: number | undefined;
  readonly estimator?: WrittenEstimator | undefined;
  readonly capabilities?: readonly Capability[] | undefined;
  readonly payment?: PaymentMode | undefined;
  readonly aliases?: readonly string[] | undefined;
  readonly price?: WrittenPrice | undefined;
}

/** A price that was checked, as the program wants it. */
export function modelPrice(written: WrittenPrice, listCurrency?: string): ModelPrice {
  const unit = written.currency ?? listCurrency;
  const isPlain = Object.values(MSAT_KEYS).some((key) => written[key] !== undefined);
  if (!isPlain || unit === undefined)
    return tokenPrice((key) => (written[key] === undefined ? undefined : BigInt(written[key])));
  if (unit !== 'msat' && unit !== 'sat') return fiatPrice(unit, written);
  const msatPerUnit = unit === 'sat' ? 1000n : 1n;
  return tokenPrice((key) => {
    const text = written[MSAT_KEYS[key]];
    return text === undefined ? undefined : (nanoOf(text) * msatPerUnit) / NANO_PER_ONE;
  });
}

function tokenPrice(of: (key: keyof typeof MSAT_KEYS) => bigint | undefined): TokenPrice {
  const [cached, image, minimum] = [of('cached_input_msat_per_mtok'), of('image_msat'), of('minimum_msat')];
  return {
    inputMsatPerMtok: msat(of('input_msat_per_mtok') ?? 0),
    ...(cached !== undefined && { cachedInputMsatPerMtok: msat(cached) }),
    outputMsatPerMtok: msat(of('output_msat_per_mtok') ?? 0),
    requestMsat: msat(of('request_msat') ?? 0),
    ...(image !== undefined && { imageMsat: msat(image) }),
    ...(minimum !== undefined && { minimumMsat: msat(minimum) }),
  };
}

const fiatPrice = (unit: string, written: WrittenPrice): FiatPrice => ({
  currency: unit,
  inputNanoPerMtok: nanoOf(written.input_per_mtok ?? '0'),
  ...(written.cached_input_per_mtok && { cachedInputNanoPerMtok: nanoOf(written.cached_input_per_mtok) }),
  outputNanoPerMtok: nanoOf(written.output_per_mtok ?? '0'),
  requestNano: nanoOf(written.request ?? '0'),
  ...(written.image && { imageNano: nanoOf(written.image) }),
  ...(written.minimum && { minimumNano: nanoOf(written.minimum) }),
});

/** A price list entry without its pattern, as the program wants it; the price may be missing. Files are looked for from `directory`. */
export const modelSettings = (
  written: WrittenModel,
  directory: string,
  listCurrency?: string,
): Omit<PriceEntry, 'pattern' | 'price'> & { price?: ModelPrice } => ({
  ...(written.max_output_tokens !== undefined && { maxOutputTokens: written.max_output_tokens }),
  ...(written.context_tokens !== undefined && { contextTokens: written.context_tokens }),
  ...(written.image_tokens !== undefined && { imageTokens: written.image_tokens }),
  ...(written.estimator && { estimators: estimatorChoices(written.estimator, directory) }),
  ...(written.capabilities && { capabilities: written.capabilities }),
  ...(written.payment && { paymentMode: written.payment }),
  ...(written.aliases && written.aliases.length > 0 && { aliases: written.aliases }),
  ...(written.price && { price: modelPrice(written.price, listCurrency) }),
});
