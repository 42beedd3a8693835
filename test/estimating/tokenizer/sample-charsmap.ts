const BLOCK = 256;
const IS_LEAF = 1 << 8;
const VALUE = 0x80000000;

interface Node {
  readonly next: Map<number, Node>;
  by?: string;
}

/** Writes what becomes of texts as SentencePiece does, each node with a block of places to itself: larger than need be, and simple. */
export function charsmapOf(replacements: Readonly<Record<string, string>>): Uint8Array {
  const root: Node = { next: new Map() };
  for (const [text, by] of Object.entries(replacements)) {
    let node = root;
    for (const byte of Buffer.from(text)) {
      const next = node.next.get(byte) ?? { next: new Map() };
      node.next.set(byte, next);
      node = next;
    }
    node.by = by;
  }
  const places: number[] = [];
  const texts: Buffer[] = [];
  let textBytes = 0;
  const place = (node: Node, at: number): void => {
    const block = Math.max(BLOCK, places.length);
    for (let index = places.length; index < block + BLOCK; index++) places[index] = 0;
    places[at] = (places[at] as number) | ((at ^ block) << 10);
    if (node.by !== undefined) {
      places[at] = (places[at] as number) | IS_LEAF;
      places[block] = VALUE | textBytes;
      texts.push(Buffer.from(`${node.by}\0`));
      textBytes += texts.at(-1)?.length ?? 0;
    }
    for (const byte of node.next.keys()) places[block ^ byte] = byte;
    for (const [byte, next] of node.next) place(next, block ^ byte);
  };
  place(root, 0);
  const nodes = Buffer.alloc(4 + places.length * 4);
  nodes.writeUInt32LE(places.length * 4);
  places.forEach((packed, index) => nodes.writeUInt32LE(packed >>> 0, 4 + index * 4));
  return Buffer.concat([nodes, ...texts]);
}
