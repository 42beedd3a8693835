import { z } from 'zod';
import { backendSchema } from './backend-schema.ts';
import { deadlinesSchema } from './deadlines-schema.ts';
import { listen, text, whole } from './fields.ts';
import { lightningSchema } from './lightning-schema.ts';
import { limitsSchema } from './limits-schema.ts';
import { llmSchema } from './llm-schema.ts';
import { paymentSchema } from './payment-schema.ts';
import { peersSchema } from './peers-schema.ts';
import { pricingSchema } from './pricing-schema.ts';
import { spoolSchema } from './spool-schema.ts';

/** 0 stands for this too, as in go-lcpd. */
export const DEFAULT_QUOTE_TTL_SECONDS = 300;

/** The configuration file, as written: the source of config.schema.json. */
export const configSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('true: sell. false: connect and answer, but sell nothing. Default false.'),
    data_directory: text(
      'Where ledger, answers on disk and the embedded node live; relative to this file. Back it up: it is the book of who holds which credit. Default ./data.',
    ).default('./data'),
    quote_ttl_seconds: whole(
      'Seconds a quote can be paid. At most 600: buyers may ignore longer ones. 0 means the default.',
      DEFAULT_QUOTE_TTL_SECONDS,
      { min: 0, max: 600 },
    ),
    min_price_msat: whole(
      'The least that is ever asked for a job, in msat. At least 1000: a channel carries no less.',
      1000,
      {
        min: 1000,
        max: 100_000_000_000,
      },
    ),
    lightning: lightningSchema.optional(),
    backends: z
      .array(backendSchema)
      .min(1)
      .optional()
      .describe(
        'What does the work; the first that has a model and a free slot gets the job. Default: the OpenAI-compatible server of LCPD_BACKEND=openai, else the Ollama of OLLAMA_HOST.',
      ),
    pricing: pricingSchema.prefault({}),
    llm: llmSchema.prefault({}),
    payment: paymentSchema.prefault({}),
    peers: peersSchema.prefault({}),
    limits: limitsSchema.prefault({}),
    deadlines: deadlinesSchema.prefault({}),
    spool: spoolSchema.prefault({}),
    health: z
      .strictObject({
        listen: listen(
          'Where /healthz (is it alive), /readyz (does it sell) and /metrics (for Prometheus) are served. Keep it to this machine.',
          '127.0.0.1:9737',
        ),
      })
      .prefault({})
      .describe('What the owner and monitoring look at.'),
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
          .optional()
          .describe(
            'The least important message that is logged. Default: LCPD_LOG_LEVEL from the environment, else info.',
          ),
        pretty: z
          .literal(['auto', true, false])
          .default('auto')
          .describe('true: for eyes. false: one JSON object a line. auto: for eyes on a terminal only. Default auto.'),
      })
      .prefault({})
      .describe('Log. It never holds prompts, answers, keys or invoices.'),
    supported_models: z
      .array(z.string())
      .optional()
      .meta({ deprecated: true })
      .describe('Deprecated, of go-lcpd: name models and prices in llm.models.'),
    supported_llm_chat_profiles: z
      .array(z.string())
      .optional()
      .meta({ deprecated: true })
      .describe('Deprecated, of go-lcpd: name models and prices in llm.models.'),
  })
  .describe('Configuration of lcp-provider.');

/** The configuration file, checked, defaults filled in. */
export type WrittenConfig = z.infer<typeof configSchema>;
