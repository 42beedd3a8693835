/** What a text's beginning becomes, in SentencePiece's precompiled form. */
export interface Replacement {
  /** Bytes of the beginning. Zero: nothing becomes of it, it stays. */
  readonly length: number;
  readonly by: Uint8Array;
}

const NOTHING: Replacement = { length: 0, by: new Uint8Array() };

/**
 * A table of replacements: a double array in which a node's children are found by exclusive or, and behind it the new texts, each with a zero
 * at its end. As in llama.cpp's llm_tokenizer_ugm; Kanda, "Space- and Time-Efficient String Dictionaries" (2018).
 */
export class Charsmap {
  readonly #nodes: Uint32Array;
  readonly #texts: Uint8Array;
  readonly #replacements = new Map<number, Replacement>();

  /** Throws where the table's size is not what its first four bytes say. */
  constructor(bytes: Uint8Array) {
    const size = bytes.length === 0 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (size % 4 !== 0 || size + 4 > bytes.length + (bytes.length === 0 ? 4 : 0)) throw new Error('it is cut off');
    this.#nodes = new Uint32Array(Uint8Array.from(bytes.subarray(4, 4 + size)).buffer);
    this.#texts = bytes.subarray(4 + size);
  }

  /** The longest beginning, from `start` on, that the table replaces. */
  at(text: Uint8Array, start: number): Replacement {
    if (this.#nodes.length === 0) return NOTHING;
    let [length, value] = [0, 0];
    let node = this.#childrenOf(0);
    for (let at = start; at < text.length; at++) {
      const byte = text[at] as number;
      node ^= byte;
      if (byte === 0 || ((this.#nodes[node] ?? 0) & 0x800000ff) !== byte) break;
      const isLeaf = ((this.#nodes[node] as number) >>> 8) & 1;
      node ^= this.#childrenOf(node);
      if (isLeaf === 1) [length, value] = [at - start + 1, (this.#nodes[node] ?? 0) & 0x7fffffff];
    }
    return length === 0 ? NOTHING : this.#replacement(length, value);
  }

  #childrenOf(node: number): number {
    const packed = this.#nodes[node] ?? 0;
    return (packed >>> 10) << ((packed & (1 << 9)) >>> 6);
  }

  #replacement(length: number, start: number): Replacement {
    const known = this.#replacements.get(start);
    if (known?.length === length) return known;
    const by = this.#texts.subarray(start, this.#texts.indexOf(0, start));
    const replacement = { length, by };
    this.#replacements.set(start, replacement);
    return replacement;
  }
}
