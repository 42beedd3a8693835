import type { Logger } from 'pino';
import type { CheckedRequest } from '../openai/checked-request.ts';
import type { EstimatorChoice } from '../pricing/price-list.ts';
import { CannotCount } from './estimator.ts';
import type { Count, CountOptions, Estimator } from './estimator.ts';

export interface InputCount extends Count {
  /** Who counted. */
  readonly estimator: string;
}

export interface CountingOptions {
  /** Makes the estimator that was chosen; each choice is opened once, when it is first needed. */
  readonly open: (choice: EstimatorChoice) => Estimator;
  readonly log: Logger;
}

/** Counts with the first estimator of a model's list that can, and says so when one can't: never silently with another. */
export class Counting {
  readonly #options: CountingOptions;
  readonly #opened = new Map<string, Estimator>();
  /** Why an estimator can't serve a model, by both; it is not asked again before the next `prepare`. */
  readonly #unable = new Map<string, string>();

  constructor(options: CountingOptions) {
    this.#options = options;
  }

  /** Finds out which of these estimators can serve a model, and tells the operator of those that can't. */
  async prepare(model: string, choices: readonly EstimatorChoice[], signal: AbortSignal): Promise<void> {
    for (const choice of choices) {
      const key = keyOf(model, choice);
      const before = this.#unable.get(key);
      this.#unable.delete(key);
      try {
        await this.#estimator(choice).prepare(model, signal);
        return; // those behind it are asked when it fails
      } catch (error) {
        this.#cannot(model, choice, error, before);
      }
    }
  }

  /** Rejects with CannotCount when none can, and with the signal's reason when that is aborted. */
  async count(
    request: CheckedRequest,
    choices: readonly EstimatorChoice[],
    options: CountOptions,
  ): Promise<InputCount> {
    const { model } = request;
    for (const choice of choices) {
      if (this.#unable.has(keyOf(model, choice))) continue;
      const estimator = this.#estimator(choice);
      try {
        return { ...(await estimator.count(request, options)), estimator: estimator.name };
      } catch (error) {
        if (options.signal.aborted) throw error;
        this.#cannot(model, choice, error);
      }
    }
    throw new CannotCount(`no estimator can count for ${model}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((estimator) => estimator.close()));
  }

  #cannot(model: string, choice: EstimatorChoice, error: unknown, before?: string): void {
    if (!(error instanceof CannotCount)) throw error;
    this.#unable.set(keyOf(model, choice), error.message);
    if (before === error.message) return;
    this.#options.log.warn(
      { model, estimator: choice.name, reason: error.message },
      'this estimator can not count for the model: the next one counts',
    );
  }

  #estimator(choice: EstimatorChoice): Estimator {
    const key = JSON.stringify(choice);
    const opened = this.#opened.get(key) ?? this.#options.open(choice);
    this.#opened.set(key, opened);
    return opened;
  }
}

const keyOf = (model: string, choice: EstimatorChoice): string => JSON.stringify([model, choice]);
