import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Clock } from '../clock/clock.ts';
import { createBytesEstimator } from '../estimating/bytes.ts';
import { Counting } from '../estimating/counting.ts';
import type { Estimator } from '../estimating/estimator.ts';
import { createFixedEstimator } from '../estimating/fixed.ts';
import { createHuggingFaceEstimator } from '../estimating/huggingface.ts';
import { createOwnModuleEstimator } from '../estimating/own-module.ts';
import { createOllamaEstimator } from '../estimating/ollama/ollama.ts';
import { createServerEstimator } from '../estimating/server.ts';
import { createOpenAiEstimator } from '../estimating/openai.ts';
import type { EstimatorChoice } from '../pricing/price-list.ts';

export interface CountingParts {
  readonly backends: Config['backends'];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Every estimator that a price list may name. Workers start when they are first needed. */
export function openCounting({ backends, clock, log }: CountingParts): Counting {
  const open = (choice: EstimatorChoice): Estimator => {
    switch (choice.name) {
      case 'openai':
        return createOpenAiEstimator({ clock });
      case 'server':
        return createServerEstimator({ servers: backends.filter((backend) => backend.driver === 'openai'), clock });
      case 'ollama':
        return createOllamaEstimator({
          urls: backends.flatMap((backend) => (backend.driver === 'ollama' ? [backend.url] : [])),
          clock,
        });
      case 'huggingface':
        return createHuggingFaceEstimator({ clock, file: choice.file });
      case 'module':
        return createOwnModuleEstimator({ clock, file: choice.file });
      case 'fixed':
        return createFixedEstimator(choice.tokens);
      case 'bytes':
        return createBytesEstimator();
    }
  };
  return new Counting({ open, log });
}
