import type { PairTable } from './merger.ts';

/** Numbers of pairs of symbols, in a hash table of plain arrays: pairs are looked up a few times for each letter of a text. */
export class PairHash {
  #lefts: Int32Array;
  #rights: Int32Array;
  /** Twice as many at least, so that few pairs meet. */
  #slots: Int32Array;
  #count = 0;

  constructor(room: number) {
    this.#lefts = new Int32Array(room);
    this.#rights = new Int32Array(room);
    this.#slots = slotsFor(room);
  }

  get count(): number {
    return this.#count;
  }

  find(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(left, right) & mask; ; slot = (slot + 1) & mask) {
      const pair = this.#slots[slot] as number;
      if (pair < 0 || (this.#lefts[pair] === left && this.#rights[pair] === right)) return pair;
    }
  }

  /** Of a pair that is not there yet; the first is number 0. */
  add(left: number, right: number): number {
    if (this.#count === this.#lefts.length) this.#grow();
    const pair = this.#count++;
    this.#lefts[pair] = left;
    this.#rights[pair] = right;
    this.#place(pair);
    return pair;
  }

  #place(pair: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash(this.#lefts[pair] as number, this.#rights[pair] as number) & mask;
    while ((this.#slots[slot] as number) >= 0) slot = (slot + 1) & mask;
    this.#slots[slot] = pair;
  }

  #grow(): void {
    const [lefts, rights] = [this.#lefts, this.#rights];
    const room = Math.max(16, lefts.length * 2);
    this.#lefts = new Int32Array(room);
    this.#lefts.set(lefts);
    this.#rights = new Int32Array(room);
    this.#rights.set(rights);
    this.#slots = slotsFor(room);
    for (let pair = 0; pair < this.#count; pair++) this.#place(pair);
  }
}

const slotsFor = (pairs: number): Int32Array => new Int32Array(1 << Math.ceil(Math.log2(pairs * 2 + 2))).fill(-1);

function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** The pairs that merge by rank; an earlier one of the list before a later one. */
export class RankedPairs implements PairTable {
  readonly #hash: PairHash;
  readonly #ranks: Int32Array;
  readonly #results: Int32Array;

  constructor(size: number) {
    this.#hash = new PairHash(size);
    this.#ranks = new Int32Array(size);
    this.#results = new Int32Array(size);
  }

  /** Of equal pairs, the first one counts. */
  add(left: number, right: number, rank: number, result: number): void {
    if (this.#hash.find(left, right) >= 0) return;
    const pair = this.#hash.add(left, right);
    this.#ranks[pair] = rank;
    this.#results[pair] = result;
  }

  readonly find = (left: number, right: number): number => this.#hash.find(left, right);
  readonly rankOf = (pair: number): number => this.#ranks[pair] as number;
  readonly resultOf = (pair: number): number => this.#results[pair] as number;
}

/** Pairs that were looked up once; beyond that many they are forgotten. */
const MAX_KNOWN_PAIRS = 1 << 20;

/** Two symbols merge when their text is a token, the token of the highest score first. What was looked up is kept. */
export class ScoredPairs implements PairTable {
  readonly #texts: readonly string[];
  readonly #idOf: ReadonlyMap<string, number>;
  readonly #rankOfToken: Int32Array;
  readonly #longest: number;
  #hash = new PairHash(0);
  readonly #results: number[] = [];

  /** `texts` holds the tokens, then symbols that are none. `ranks` has one for each token. */
  constructor(texts: readonly string[], idOf: ReadonlyMap<string, number>, ranks: Int32Array) {
    this.#texts = texts;
    this.#idOf = idOf;
    this.#rankOfToken = ranks;
    this.#longest = texts.reduce((longest, text) => Math.max(longest, text.length), 0);
  }

  /** To be called between texts: within one the numbers of pairs must last. */
  forget(): void {
    if (this.#hash.count > MAX_KNOWN_PAIRS / 2) this.#hash = new PairHash(0);
  }

  readonly find = (left: number, right: number): number => {
    const known = this.#hash.find(left, right);
    if (known >= 0) return (this.#results[known] as number) < 0 ? -1 : known;
    const [leftText = '', rightText = ''] = [this.#texts[left], this.#texts[right]];
    const isLong = leftText.length + rightText.length > this.#longest;
    const result = isLong ? -1 : (this.#idOf.get(leftText + rightText) ?? -1);
    if (result < 0 && this.#hash.count >= MAX_KNOWN_PAIRS / 2) return -1;
    if (this.#hash.count === MAX_KNOWN_PAIRS) throw new Error('too many different pairs of symbols in one text');
    const pair = this.#hash.add(left, right);
    this.#results[pair] = result;
    return result < 0 ? -1 : pair;
  };

  readonly rankOf = (pair: number): number => this.#rankOfToken[this.#results[pair] as number] as number;
  readonly resultOf = (pair: number): number => this.#results[pair] as number;
}
