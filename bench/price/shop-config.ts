import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { msat } from '../../src/money/msat.ts';
import type { TokenPrice } from '../../src/pricing/model-price.ts';

/** Where a model is: `url` as in the configuration of a backend. */
export type Upstream = { readonly driver: 'ollama' | 'openai'; readonly url: string; readonly model: string };

/** Figures that round badly: a wrong token or a wrong rounding shows. */
export const price = {
  inputMsatPerMtok: msat(1_234_567n),
  outputMsatPerMtok: msat(3_456_789n),
  requestMsat: msat(321n),
} as const satisfies TokenPrice;

const TIMEOUT_SECONDS = 300;

/** The configuration of an operator who counts with this estimator, which is named as there. */
export function configOf({ driver, url, model }: Upstream, estimator: string, maxOutputTokens: number): Config {
  const written = {
    enabled: false,
    backends: [{ name: 'backend', driver, url, models: [model], slots: 1 }],
    deadlines: { first_byte_seconds: TIMEOUT_SECONDS, idle_seconds: TIMEOUT_SECONDS },
    llm: {
      max_output_tokens: maxOutputTokens,
      estimator,
      models: {
        [model]: {
          price: {
            input_msat_per_mtok: Number(price.inputMsatPerMtok),
            output_msat_per_mtok: Number(price.outputMsatPerMtok),
            request_msat: Number(price.requestMsat),
          },
        },
      },
    },
  };
  const { config } = parseConfig({ path: 'bench.yaml', text: JSON.stringify(written) }, {}); // JSON is YAML
  return { ...config, enabled: true }; // it sells, though there is no Lightning to be paid by
}
