import type { Logger } from 'pino';
import type { CheckedRequest } from '../openai/checked-request.ts';
import type { TaskKind } from '../openai/request.ts';
import type { EstimatorChoice } from '../pricing/price-list.ts';
import type { CountedHow, PriceBreakdown } from '../pricing/price.ts';
import { CannotCount, CountersBusy } from './estimator.ts';
import type { CountOptions, Estimator, Lesson } from './estimator.ts';
import { TemplateShare } from './template-share.ts';
import { Trueness } from './trueness.ts';
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

interface Learned {
  template: TemplateShare;
  readonly trueness: Trueness;
  /** Of the estimator itself, that the template was told. */
  lessons?: readonly Lesson[];
}

/** Counts with the first estimator of a model's list that is for such work and can, and says so when one can't: never silently with another. */
export class Counting {
  readonly #options: CountingOptions;
  readonly #opened = new Map<string, Estimator>();
  /** Estimators that can't serve a model, by both; they are not asked before the next `prepare`. */
  readonly #unable = new Set<string>();
  /** The last reason that the operator was told, by both. */
  readonly #told = new Map<string, string>();
  readonly #learned = new Map<string, Learned>();

  constructor(options: CountingOptions) {
    this.#options = options;
  }

  /** Finds out which of these estimators can serve a model for such work, and tells the operator of those that can't. */
  async prepare(
    model: string,
    taskKinds: readonly TaskKind[],
    choices: readonly EstimatorChoice[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const choice of choices) {
      const estimator = this.#estimator(choice);
      const its = taskKinds.filter((taskKind) => isFor(estimator, taskKind));
      if (its.length === 0) continue;
      const key = keyOf(model, choice);
      this.#unable.delete(key);
      try {
        await estimator.prepare(model, its, signal);
        this.#told.delete(key);
        return; // those behind it are asked when it fails
      } catch (error) {
        if (error instanceof CountersBusy) return; // as it counts for others, it will for this one
        if (!(error instanceof CannotCount)) throw error;
        this.#unable.add(key);
        this.#tell(model, choice, error.message);
      }
    }
    this.#options.log.error(
      { model },
      'nothing can count for this model, so it is not sold: add openai or bytes behind its estimators',
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
      if (this.#unable.has(keyOf(model, choice))) continue;
      const estimator = this.#estimator(choice);
      if (!isFor(estimator, taskKind)) continue;
      try {
        const { tokens, longestTextTokens, lessons, ...count } = await estimator.count(request, options);
        if (lessons !== undefined) this.#takeLessons(model, estimator.name, lessons);
        const how = { ...count, shape };
        return {
          estimator: estimator.name,
          tokens: this.#withTemplate(model, estimator.name, how) ?? tokens,
          ...(longestTextTokens !== undefined && { longestTextTokens }),
          how,
        };
      } catch (error) {
        if (options.signal.aborted || !(error instanceof CannotCount)) throw error;
        this.#tell(model, choice, error.message);
      }
    }
    throw new CannotCount(`no estimator can count for ${model}`);
  }

  /** Takes what the backend said of a finished job's input. Warns when the counts for a model have drifted away. */
  learn(
    model: string,
    { estimator, inputTokens, counted }: Pick<PriceBreakdown, 'estimator' | 'inputTokens' | 'counted'>,
    actualTokens: number,
  ): void {
    if (counted === undefined || counted.accuracy === 'bound') return;
    const { template, trueness } = this.#learnedOf(model, estimator);
    const { partTokens, shape } = counted;
    if (partTokens !== undefined) template.learn({ partTokens, shape }, actualTokens);
    if (!trueness.add(inputTokens, counted.accuracy, actualTokens)) return;
    const { jobs, meanError } = trueness.figures();
    this.#options.log.warn(
      { model, estimator, jobs, mean_error: meanError },
      'what this estimator counts has drifted away from what the backend counts',
    );
  }

  figures(): CountingFigures[] {
    return [...this.#learned].map(([key, { trueness }]) => {
      const [model, estimator] = JSON.parse(key) as [string, string];
      return { model, estimator, ...trueness.figures() };
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((estimator) => estimator.close()));
  }

  /** Each list once. */
  #takeLessons(model: string, estimator: string, lessons: readonly Lesson[]): void {
    const learned = this.#learnedOf(model, estimator);
    if (learned.lessons === lessons) return;
    if (learned.lessons !== undefined) learned.template = templateOf(estimator); // the model has become another
    learned.lessons = lessons;
    learned.template.learnTrials(lessons);
  }

  #withTemplate(model: string, estimator: string, { partTokens, shape }: CountedHow): number | undefined {
    if (partTokens === undefined) return undefined;
    return this.#learnedOf(model, estimator).template.estimate({ partTokens, shape });
  }

  #learnedOf(model: string, estimator: string): Learned {
    const key = JSON.stringify([model, estimator]);
    const learned: Learned = this.#learned.get(key) ?? { template: templateOf(estimator), trueness: new Trueness() };
    this.#learned.set(key, learned);
    return learned;
  }

  /** Once for each reason. */
  #tell(model: string, choice: EstimatorChoice, reason: string): void {
    const key = keyOf(model, choice);
    if (this.#told.get(key) === reason) return;
    this.#told.set(key, reason);
    this.#options.log.warn(
      { model, estimator: choice.name, reason },
      'this estimator can not count for the model: the next one is asked',
    );
  }

  #estimator(choice: EstimatorChoice): Estimator {
    const key = JSON.stringify(choice);
    const opened = this.#opened.get(key) ?? this.#options.open(choice);
    this.#opened.set(key, opened);
    return opened;
  }
}

/** OpenAI's vocabularies stand in for those of all models. */
const templateOf = (estimator: string): TemplateShare => new TemplateShare(estimator === 'openai' ? 'foreign' : 'own');

const keyOf = (model: string, choice: EstimatorChoice): string => JSON.stringify([model, choice]);

const isFor = ({ taskKinds }: Estimator, taskKind: TaskKind): boolean => taskKinds?.includes(taskKind) ?? true;
