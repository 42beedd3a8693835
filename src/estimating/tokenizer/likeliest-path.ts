import { TokenTree } from './token-tree.ts';

/** The likeliest way to cut a text up to some place. */
interface Way {
  readonly score: number;
  readonly tokens: number;
  readonly endsUnknown: boolean;
}

const START: Way = { score: 0, tokens: 0, endsUnknown: false };
/** Bytes of a code point, by the upper half of its first one. */
const codePointBytes = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4];

/**
 * Counts the tokens of the likeliest way through a text that comes byte by byte (Viterbi's): of two that are as likely, the one whose last token
 * began first. A code point that is no token by itself may be unknown; unknown ones side by side are one token. As in llama.cpp's
 * llm_tokenizer_ugm_session, but nothing is kept of what no token can reach any more.
 */
export class LikeliestPath {
  readonly #tree: TokenTree;
  readonly #scores: Float64Array;
  readonly #unknownScore: number;
  /** Tokens that have begun, by where: the first ones first. */
  #begun: { readonly way: Way; node: number }[] = [];
  /** Where the code point begins whose bytes come. */
  #last = START;
  #bytesLeft = 0;

  /** The tree has the tokens' bytes, the scores stand by their ids. */
  constructor(tree: TokenTree, scores: Float64Array, unknownScore: number) {
    this.#tree = tree;
    this.#scores = scores;
    this.#unknownScore = unknownScore;
  }

  begin(): void {
    this.#begun = [];
    this.#last = { ...START };
    this.#bytesLeft = 0;
  }

  add(byte: number): void {
    if (this.#bytesLeft === 0) {
      this.#bytesLeft = codePointBytes[byte >>> 4] as number;
      this.#begun.push({ way: this.#last, node: TokenTree.root });
    }
    const isEnd = --this.#bytesLeft === 0;
    let best: Way | undefined;
    let isToken = false;
    let kept = 0;
    for (const token of this.#begun) {
      token.node = this.#tree.next(token.node, byte);
      if (token.node === TokenTree.root) continue;
      this.#begun[kept++] = token;
      const id = isEnd ? this.#tree.idAt(token.node) : -1;
      if (id < 0) continue;
      if (token.way === this.#last) isToken = true;
      const score = token.way.score + (this.#scores[id] as number);
      if (best === undefined || score > best.score) best = { score, tokens: token.way.tokens + 1, endsUnknown: false };
    }
    this.#begun.length = kept;
    if (!isEnd) return;
    const { score, tokens, endsUnknown } = this.#last;
    const unknown = { score: score + this.#unknownScore, tokens: tokens + (endsUnknown ? 0 : 1), endsUnknown: true };
    if (best === undefined || (!isToken && unknown.score > best.score)) best = unknown;
    this.#last = best;
  }

  /** Of all that has come. */
  get tokens(): number {
    return this.#last.tokens;
  }

  /** Whatever comes, there will be no fewer. */
  get fewestTokens(): number {
    return this.#begun.reduce((fewest, { way }) => Math.min(fewest, way.tokens), this.#last.tokens);
  }
}
