import type { AnswerUsage } from './usage.ts';

export interface AnswerEnd {
  /** Bytes that were still held back. */
  readonly outputs: readonly Uint8Array[];
  /** False: the answer stops in the middle. */
  readonly complete: boolean;
  /** True: the backend told of an error inside its answer. The buyer has seen it, and it is no answer to charge for. */
  readonly failed: boolean;
  /** As the backend told; absent when it did not, or told what can not be. */
  readonly usage?: AnswerUsage;
  /** By our own count, see `AnswerFilter.producedTokens`. */
  readonly producedTokens: number;
}

/** Stands between the bytes of a backend and those that a buyer gets: all pass unchanged, but for a usage chunk that only we asked for. */
export interface AnswerFilter {
  /** Takes bytes as they arrive; gives those that may go out now, as parts of the same memory where it can. Keeps no reference to `bytes`. */
  push(bytes: Uint8Array): Uint8Array[];
  /** The backend's answer is over. */
  end(): AnswerEnd;
  /** Tokens seen so far, a guess: one for 4 bytes of text, and of a stream at least one for each event with content. */
  producedTokens(): number;
  /** The figures that the backend told last, if they can be believed. */
  usage(): AnswerUsage | undefined;
}
