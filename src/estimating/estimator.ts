import type { CheckedRequest } from '../openai/checked-request.ts';
import type { TaskKind } from '../openai/request.ts';
import type { CountedHow } from '../pricing/price.ts';
import type { TemplateInput } from './template-features.ts';

/** Why an estimator can not count for a model, for the operator. */
export class CannotCount extends Error {
  override readonly name = 'CannotCount';
}

/** Too many requests wait to be counted: one that comes in a few seconds may be. */
export class CountersBusy extends Error {
  override readonly name = 'CountersBusy';
}

export interface CountOptions {
  /** Aborting gives the count up. */
  readonly signal: AbortSignal;
  /** Counting may stop above it: more does not fit into the model's context anyway. */
  readonly limitTokens?: number;
}

/** Whether the vocabulary that counts is the model's own, or stands in for it: then each language has a ratio of its own. */
export type Vocabulary = 'own' | 'foreign';

/** An input whose tokens the backend has told. */
export interface Lesson extends TemplateInput {
  readonly actualTokens: number;
}

export interface Count extends Omit<CountedHow, 'shape'> {
  /** Tokens of the input, a whole number ≥ 1. */
  readonly tokens: number;
  /** Of work without output, where each text has the context to itself: what the longest takes of it at most. Absent: not known. */
  readonly longestTextTokens?: number;
  /** What the estimator itself has found out of the model's template: the same list until that changes. */
  readonly lessons?: readonly Lesson[];
}

/** Tells how many tokens a request's input has, before the job runs. Bounded in time and memory, whatever the text. */
export interface Estimator {
  /** As configured and as the price breakdown names it. */
  readonly name: string;
  /** The kinds of work that it counts: it is asked about no others. Absent: all. */
  readonly taskKinds?: readonly TaskKind[];
  /** Where it tells the tokens of parts. Absent: own. */
  readonly vocabulary?: Vocabulary;
  /** Gets ready for such work with a model; asked at start, and again when the backends' models have changed. Rejects with CannotCount. */
  prepare(model: string, taskKind: TaskKind, signal: AbortSignal): Promise<void>;
  /** Rejects with CannotCount, with CountersBusy, and with the signal's reason when that is aborted. */
  count(request: CheckedRequest, options: CountOptions): Promise<Count>;
  close(): Promise<void>;
}
