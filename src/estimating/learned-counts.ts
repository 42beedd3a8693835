import type { CountedHow } from '../pricing/price.ts';
import type { Lesson, Vocabulary } from './estimator.ts';
import type { TemplateInput } from './template-features.ts';
import { TemplateShare } from './template-share.ts';
import { Trueness } from './trueness.ts';
import type { TruenessFigures } from './trueness.ts';

/** What backends have told of an estimator's counts for a model: how true they are, and what the chat template makes of a text. */
export class LearnedCounts {
  readonly #trueness = new Trueness();
  #template: TemplateShare | undefined;
  /** Of jobs that finished before the first count, by which one knows the vocabulary. */
  readonly #early: Lesson[] = [];
  /** Of the estimator itself, that the template was told. */
  #lessons: readonly Lesson[] | undefined;

  /** Tokens of the whole input, by all that was learned. Each list of lessons is taken once. */
  estimate(input: TemplateInput, vocabulary: Vocabulary, lessons?: readonly Lesson[]): number {
    this.#template ??= this.#taughtEarly(vocabulary);
    if (lessons !== undefined && lessons !== this.#lessons) {
      if (this.#lessons !== undefined) this.#template = new TemplateShare(vocabulary); // the model has become another
      this.#lessons = lessons;
      this.#template.learnTrials(lessons);
    }
    return this.#template.estimate(input);
  }

  /** What a finished job's input was in fact. True: the counts have just drifted away. */
  learn(countedTokens: number, { accuracy, partTokens, shape }: CountedHow, actualTokens: number): boolean {
    const lesson = partTokens && { partTokens, shape, actualTokens };
    if (lesson && this.#template) this.#template.learn(lesson, actualTokens);
    else if (lesson) this.#early.push(lesson);
    return this.#trueness.add(countedTokens, accuracy, actualTokens);
  }

  figures(): TruenessFigures {
    return this.#trueness.figures();
  }

  #taughtEarly(vocabulary: Vocabulary): TemplateShare {
    const template = new TemplateShare(vocabulary);
    for (const lesson of this.#early.splice(0)) template.learn(lesson, lesson.actualTokens);
    return template;
  }
}
