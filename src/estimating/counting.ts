import type { Logger } from 'pino';
import type { CheckedRequest } from '../openai/checked-request.ts';
import type { TaskKind } from '../openai/request.ts';
import type { EstimatorChoice } from '../pricing/price-list.ts';
import type { CountedHow, PriceBreakdown } from '../pricing/price.ts';
import { CannotCount, CountersBusy } from './estimator.ts';
import type { CountOptions, Estimator, Lesson } from './estimator.ts';
import { LearnedCounts } from './learned-counts.ts';
import type { TruenessFigures } from './trueness.ts';

export interface InputCount {
  /** Who counted. */
  readonly estimator: string;
  readonly tokens: number;
  /** As of `Count`. */
  readonly longestTextTokens?: number;
  readonly how: CountedHow;
}

/** How near the counts of an estimator for a model came to what the backend said afterwards. */
export interface CountingFigures extends TruenessFigures {
  readonly model: string;
  readonly estimator: string;
}

export interface CountingOptions {
  /** Makes the estimator that was chosen; each choice is opened once, when it is first needed. */
  readonly open: (choice: EstimatorChoice) => Estimator;
  readonly log: Logger;
}

/** What there is to count. */
export type Work = Pick<CheckedRequest, 'model' | 'taskKind'>;

/** Counts with the first estimator of a model's list that is for such work and can, and says so when one can't: never silently with another. */
export class Counting {
  readonly #options: CountingOptions;
  readonly #opened = new Map<string, Estimator>();
  /** Estimators that can't count some work, by both; they are not asked before the next `prepare`. */
  readonly #unable = new Set<string>();
  /** The last reason that the operator was told, by both. */
  readonly #told = new Map<string, string>();
  readonly #learned = new Map<string, LearnedCounts>();

  constructor(options: CountingOptions) {
    this.#options = options;
  }

  /** Finds out who counts each of these kinds of work for a model, and tells the operator who can't, and of what nobody can. */
  async prepare(
    model: string,
    taskKinds: readonly TaskKind[],
    choices: readonly EstimatorChoice[],
    signal: AbortSignal,
  ): Promise<void> {
    const uncounted: TaskKind[] = [];
    for (const taskKind of taskKinds)
      if (!(await this.#isPrepared({ model, taskKind }, choices, signal))) uncounted.push(taskKind);
    if (uncounted.length === 0) return;
    this.#options.log.error(
      { model, task_kinds: uncounted },
      'nothing can count this work for the model, so it is not sold: add openai or bytes behind its estimators',
    );
  }

  /** False: none of these is for such work, or those that are have said that they can't. Whoever was not asked yet may. */
  canCount(work: Work, choices: readonly EstimatorChoice[]): boolean {
    return choices.some(
      (choice) => isFor(this.#estimator(choice), work.taskKind) && !this.#unable.has(keyOf(work, choice)),
    );
  }

  /** Rejects with CannotCount when none can, with CountersBusy when too many wait for the one that can, and with the signal's reason when that is aborted. */
  async count(
    request: CheckedRequest,
    choices: readonly EstimatorChoice[],
    options: CountOptions,
  ): Promise<InputCount> {
    const { model, taskKind, shape } = request;
    for (const choice of choices) {
      if (this.#unable.has(keyOf(request, choice))) continue;
      const estimator = this.#estimator(choice);
      if (!isFor(estimator, taskKind)) continue;
      try {
        const { tokens, longestTextTokens, lessons, ...count } = await estimator.count(request, options);
        const how = { ...count, shape };
        return {
          estimator: estimator.name,
          tokens: this.#withTemplate(model, estimator, how, lessons) ?? tokens,
          ...(longestTextTokens !== undefined && { longestTextTokens }),
          how,
        };
      } catch (error) {
        if (options.signal.aborted || !(error instanceof CannotCount)) throw error;
        this.#tell(request, choice, error.message);
      }
    }
    throw new CannotCount(`no estimator can count ${taskKind} for ${model}`);
  }

  /** Takes what the backend said of a finished job's input. Warns when the counts for a model have drifted away. */
  learn(
    model: string,
    { estimator, inputTokens, counted }: Pick<PriceBreakdown, 'estimator' | 'inputTokens' | 'counted'>,
    actualTokens: number,
  ): void {
    if (counted === undefined || counted.accuracy === 'bound') return;
    const learned = this.#learnedOf(model, estimator);
    if (!learned.learn(inputTokens, counted, actualTokens)) return;
    const { jobs, meanError } = learned.figures();
    this.#options.log.warn(
      { model, estimator, jobs, mean_error: meanError },
      'what this estimator counts has drifted away from what the backend counts',
    );
  }

  figures(): CountingFigures[] {
    return [...this.#learned].map(([key, learned]) => {
      const [model, estimator] = JSON.parse(key) as [string, string];
      return { model, estimator, ...learned.figures() };
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((estimator) => estimator.close()));
  }

  /** False: none of these can count it. */
  async #isPrepared(work: Work, choices: readonly EstimatorChoice[], signal: AbortSignal): Promise<boolean> {
    for (const choice of choices) {
      const estimator = this.#estimator(choice);
      if (!isFor(estimator, work.taskKind)) continue;
      const key = keyOf(work, choice);
      try {
        await estimator.prepare(work.model, work.taskKind, signal);
        this.#unable.delete(key);
        this.#told.delete(key);
        return true; // those behind it are asked when it fails
      } catch (error) {
        if (error instanceof CannotCount) {
          this.#unable.add(key);
          this.#tell(work, choice, error.message);
          continue;
        }
        if (!(error instanceof CountersBusy)) throw error;
        this.#unable.delete(key); // as it counts for others, it will for this one
        return true;
      }
    }
    return false;
  }

  #withTemplate(
    model: string,
    { name, vocabulary = 'own' }: Estimator,
    { partTokens, shape }: CountedHow,
    lessons?: readonly Lesson[],
  ): number | undefined {
    return partTokens && this.#learnedOf(model, name).estimate({ partTokens, shape }, vocabulary, lessons);
  }

  #learnedOf(model: string, estimator: string): LearnedCounts {
    const key = JSON.stringify([model, estimator]);
    const learned = this.#learned.get(key) ?? new LearnedCounts();
    this.#learned.set(key, learned);
    return learned;
  }

  /** Once for each reason. */
  #tell(work: Work, choice: EstimatorChoice, reason: string): void {
    const key = keyOf(work, choice);
    if (this.#told.get(key) === reason) return;
    this.#told.set(key, reason);
    this.#options.log.warn(
      { model: work.model, task_kind: work.taskKind, estimator: choice.name, reason },
      'this estimator can not count such work for the model: the next one is asked',
    );
  }

  #estimator(choice: EstimatorChoice): Estimator {
    const key = JSON.stringify(choice);
    const opened = this.#opened.get(key) ?? this.#options.open(choice);
    this.#opened.set(key, opened);
    return opened;
  }
}

const keyOf = ({ model, taskKind }: Work, choice: EstimatorChoice): string => JSON.stringify([model, taskKind, choice]);

const isFor = ({ taskKinds }: Estimator, taskKind: TaskKind): boolean => taskKinds?.includes(taskKind) ?? true;
