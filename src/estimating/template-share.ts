import type { PromptPart } from '../openai/prompt-part.ts';
import type { Lesson, Vocabulary } from './estimator.ts';
import { templateFeatures, textTokensOf, triedPartsOf, writtenTokensOf } from './template-features.ts';
import type { Feature, TemplateInput, TriedPart } from './template-features.ts';

/**
 * How sure it is that the vocabulary which counted is the model's, and what of a text remains unexplained. `own`: it is, so that text which the
 * server counts otherwise is an exception. `foreign`: it is another one, and each language has its own ratio.
 */
const VOCABULARIES: Readonly<Record<Vocabulary, { readonly deviation: number; readonly noiseShare: number }>> = {
  own: { deviation: 0.02, noiseShare: 0.001 },
  foreign: { deviation: 0.5, noiseShare: 0.2 },
};
const NOISE_TOKENS = 0.7;

/** With each job what was learned grows a little unsure again, by this part of what it was at first: a template that changes is followed. */
const DRIFT = 0.01;
/** An error of more standard deviations than this is taken for noise of its own: one odd job teaches little. */
const LARGEST_SURPRISE = 3;
/**
 * What a template and another vocabulary can make of a text. A job outside of this says nothing about the next one: a buyer may have written text that
 * its backend never renders, to make the prices of all others wrong. That a template leaves out a part is believed of our own trials alone.
 */
const LEAST_SHARE = 0.8;
const MOST = { share: 2, tokens: 400, tokensPerPiece: 40 };
/** Text of which one does not know yet whether it is written is worth what is known, give or take; above this many tokens it is not given. */
const UNSURE_TOKENS = 200;

/**
 * What the chat template makes of a request, learned from what backends say that finished jobs had: a Kalman filter over the parts of its text and its
 * shape. Before the first job it knows what is usual.
 */
export class TemplateShare {
  readonly #noiseShare: number;
  readonly #weights = templateFeatures.map(({ mean }) => mean);
  readonly #covariance: number[][];
  readonly #priorVariances: readonly number[];
  readonly #tried = new Map<TriedPart, number>();

  constructor(vocabulary: Vocabulary) {
    const { deviation: ratio, noiseShare } = VOCABULARIES[vocabulary];
    this.#noiseShare = noiseShare;
    this.#covariance = templateFeatures.map((row, i) =>
      templateFeatures.map(
        (column, j) => (i === j ? row.deviation ** 2 : 0) + (isUsual(row) && isUsual(column) ? ratio ** 2 : 0),
      ),
    );
    this.#priorVariances = this.#covariance.map((row, i) => row[i]!);
  }

  /** Tokens of the whole input; at least 1. */
  estimate(input: TemplateInput): number {
    const { least, most } = this.#boundsOf(input);
    // What is learned may go below nothing for a while, where one error stands against another; a price does not.
    const weights = this.#weights.map((weight, i) => {
      const { part, differsFrom } = templateFeatures[i]!;
      if (differsFrom !== undefined) return Math.max(weight, -Math.max(0, this.#weightOf(differsFrom)));
      return part === undefined ? weight : Math.max(0, weight);
    });
    const tokens = dot(weights, featuresOf(input)) + this.#unsureTokens(input);
    return Math.max(1, Math.round(Math.min(most, Math.max(least, tokens))));
  }

  /** What such an input had in fact; what no template can have done is not learned. */
  learn(input: TemplateInput, actualTokens: number): void {
    const { least, most } = this.#boundsOf(input);
    if (actualTokens >= least && actualTokens <= most) this.#learn(input, actualTokens);
  }

  /** What came of our own trials, before any job: it is believed whatever it is. */
  learnTrials(trials: readonly Lesson[]): void {
    for (const trial of trials) this.#learn(trial, trial.actualTokens);
    for (const part of new Set(trials.flatMap((trial) => triedPartsOf(trial)))) {
      const weight =
        part === 'tools-before-answer' ? this.#weightOf('tools') + this.#differenceFrom('tools') : this.#weightOf(part);
      this.#tried.set(part, Math.max(0, Math.min(1, weight)));
    }
  }

  #learn(input: TemplateInput, actualTokens: number): void {
    const x = featuresOf(input);
    const spread = this.#covariance.map((row) => dot(row, x));
    const error = actualTokens - dot(this.#weights, x);
    const noise = (NOISE_TOKENS + this.#noiseShare * textTokensOf(input)) ** 2;
    const variance = Math.max(noise + dot(spread, x), (error / LARGEST_SURPRISE) ** 2);
    for (const [i, row] of this.#covariance.entries()) {
      const gain = spread[i]! / variance;
      this.#weights[i]! += gain * error;
      for (const [j, value] of spread.entries()) row[j]! -= gain * value;
      row[i] = Math.min(row[i]! + (DRIFT * templateFeatures[i]!.deviation) ** 2, this.#priorVariances[i]!);
    }
  }

  #weightOf(part: PromptPart): number {
    return this.#weights[templateFeatures.findIndex((feature) => feature.part === part)] ?? 0;
  }

  #differenceFrom(part: PromptPart): number {
    return this.#weights[templateFeatures.findIndex(({ differsFrom }) => differsFrom === part)] ?? 0;
  }

  #boundsOf(input: TemplateInput): { readonly least: number; readonly most: number } {
    const { system, user, assistant, tool, pieces, calls } = input.shape;
    const pieceCount = system + user + assistant + tool + pieces + calls;
    return {
      least: LEAST_SHARE * writtenTokensOf(input, this.#tried),
      most: MOST.share * textTokensOf(input) + MOST.tokens + MOST.tokensPerPiece * pieceCount,
    };
  }

  /** Of much text that a template may leave out: what is added until one has seen whether it does. */
  #unsureTokens(input: TemplateInput): number {
    const x = featuresOf(input).map((value, i) => (templateFeatures[i]!.isOptional ? value : 0));
    const variance = dot(
      this.#covariance.map((row) => dot(row, x)),
      x,
    );
    return Math.max(0, Math.sqrt(Math.max(0, variance)) - UNSURE_TOKENS);
  }
}

/** Text that the model gets as it is: when its vocabulary is another than the one that counted, all of it costs more, or less. */
const isUsual = ({ part, isOptional }: Feature): boolean => part !== undefined && !isOptional;

const featuresOf = (input: TemplateInput): number[] => templateFeatures.map(({ of }) => of(input));

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
