import { PairHash } from './pair-tables.ts';

const ROOT = 0;
const NO_TOKEN = -1;

/** Tokens by their beginnings, to find those that a text has at a place in one walk. A node is the number of its pair (node before, unit), plus 1. */
export class TokenTree {
  static readonly root = ROOT;
  readonly #edges = new PairHash(1 << 16);
  readonly #ids: number[] = [NO_TOKEN];

  /** By their ids; an empty one is left out. */
  constructor(tokens: readonly string[]) {
    for (const [id, token] of tokens.entries()) if (token !== '') this.#add(token, id);
  }

  /** The root: no token goes on like this. */
  next(node: number, unit: number): number {
    return this.#edges.find(node, unit) + 1;
  }

  /** The token that ends at a node, or -1. */
  idAt(node: number): number {
    return this.#ids[node] as number;
  }

  #add(text: string, id: number): void {
    let node = ROOT;
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      let next = this.next(node, unit);
      if (next === ROOT) {
        next = this.#edges.add(node, unit) + 1;
        this.#ids[next] = NO_TOKEN;
      }
      node = next;
    }
    this.#ids[node] = id;
  }
}
