import type { InputShape } from '../openai/input-shape.ts';

/** How many tokens of each feature a template adds, as one knows it of common templates before the first job, and how unsure that is. */
const PRIOR: readonly { readonly mean: number; readonly deviation: number }[] = [
  { mean: 3, deviation: 40 }, // what opens prompt and answer; with a system prompt of the template's own, when the request has none
  { mean: 4, deviation: 40 }, // each message, by its role: system, user, assistant, tool
  { mean: 4, deviation: 6 },
  { mean: 4, deviation: 6 },
  { mean: 4, deviation: 12 },
  { mean: 20, deviation: 100 }, // what introduces tools
  { mean: 10, deviation: 30 }, // each tool
  { mean: 1, deviation: 0.25 }, // a token of the text itself: 1 with the model's own vocabulary
];

/** With each job what was learned grows a little unsure again, by this part of what it was at first: a template that changes is followed. */
const DRIFT = 0.01;
/**
 * What a template and another vocabulary can make of a text. A job outside of this says nothing about the next one: a buyer may have written text that
 * its backend never renders, to make the prices of all others wrong.
 */
const LEAST = { share: 0.8 };
const MOST = { share: 2, tokens: 400 };
/** What remains unexplained: a token, and a thousandth of the text. */
const NOISE = { tokens: 0.5, share: 0.001 };

/**
 * What the chat template adds to the text, learned from what backends say that finished jobs had: a Kalman filter over the request's shape.
 * Before the first job it knows what is usual.
 */
export class TemplateShare {
  readonly #weights = PRIOR.map(({ mean }) => mean);
  readonly #covariance = PRIOR.map((row, i) => PRIOR.map((_, j) => (i === j ? row.deviation ** 2 : 0)));
  /** Jobs that it learned from. */
  jobs = 0;

  /** Tokens of the whole input, of which `textTokens` are the text's; at least 1. */
  estimate(textTokens: number, shape: InputShape): number {
    const tokens = dot(this.#weights, features(textTokens, shape));
    return Math.max(1, Math.round(Math.max(tokens, LEAST.share * textTokens)));
  }

  /** What such an input had in fact; what no template can have done is not learned. */
  learn(textTokens: number, shape: InputShape, actualTokens: number): void {
    if (actualTokens < LEAST.share * textTokens || actualTokens > MOST.share * textTokens + MOST.tokens) return;
    const x = features(textTokens, shape);
    const spread = this.#covariance.map((row) => dot(row, x));
    const noise = (NOISE.tokens + NOISE.share * textTokens) ** 2;
    const gain = spread.map((value) => value / (noise + dot(spread, x)));
    const error = actualTokens - dot(this.#weights, x);
    for (const [i, share] of gain.entries()) {
      this.#weights[i] = this.#weights[i]! + share * error;
      const row = this.#covariance[i]!;
      for (const [j, value] of spread.entries()) row[j] = row[j]! - share * value;
      row[i] = Math.min(row[i]! + (DRIFT * PRIOR[i]!.deviation) ** 2, PRIOR[i]!.deviation ** 2);
    }
    this.jobs++;
  }
}

const features = (textTokens: number, { system, user, assistant, tool, tools }: InputShape): number[] => [
  1,
  system,
  user,
  assistant,
  tool,
  tools > 0 ? 1 : 0,
  tools,
  textTokens,
];

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
