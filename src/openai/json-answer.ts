import type { AnswerEnd, AnswerFilter } from './answer-filter.ts';
import { JsonWatch } from './json-watch.ts';
import type { Kind } from './kinds/kind.ts';
import { tokensOfText, usageOf } from './usage.ts';
import type { AnswerUsage } from './usage.ts';

const OPEN_OBJECT = 0x7b;

/** One JSON document: every byte passes as it came, and its usage is read in passing, so that a large answer is not kept. */
export class JsonAnswerFilter implements AnswerFilter {
  readonly #paths: readonly string[];
  readonly #hasOutput: boolean;
  readonly #watch: JsonWatch;

  constructor({ contentPaths, caps }: Kind) {
    this.#paths = contentPaths;
    this.#hasOutput = caps.length > 0;
    this.#watch = new JsonWatch(['usage', 'error', 'status', ...this.#paths]);
  }

  push(bytes: Uint8Array): Uint8Array[] {
    this.#watch.push(bytes);
    return bytes.length === 0 ? [] : [bytes];
  }

  end(): AnswerEnd {
    const producedTokens = this.producedTokens();
    const usage = this.usage();
    const failed =
      this.#watch.seen('error')?.firstByte === OPEN_OBJECT || this.#watch.seen('status')?.raw === '"failed"';
    return { outputs: [], complete: this.#watch.isWhole, failed, ...(usage && { usage }), producedTokens };
  }

  producedTokens(): number {
    const bytes = this.#paths.reduce((sum, path) => sum + (this.#watch.seen(path)?.textBytes ?? 0), 0);
    return tokensOfText(bytes);
  }

  usage(): AnswerUsage | undefined {
    return usageOf(this.#watch.seen('usage')?.raw, this.producedTokens() > 0, this.#hasOutput);
  }
}
