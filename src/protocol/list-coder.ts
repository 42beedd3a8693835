import { bigSizeLength, readBigSize, writeBigSize } from './bigsize.ts';
import { utf8, type Coder } from './coder.ts';
import { ProtocolError } from './protocol-error.ts';
import { viewOf } from './tlv.ts';

/** What a peer's list may hold at most; the specification sets no bound. */
const MAX_ITEMS = 1_024;
const MAX_ITEM_BYTES = 1_048_576;

/** A list inside one value: a count, then each item with its length: LCP v0.2 §4.4, v0.3 §3.7. */
export function listOf<T>(item: Coder<T>): Coder<T[]> {
  return {
    decode(list) {
      const count = readBigSize(list, 0);
      if (count.value > MAX_ITEMS) throw new ProtocolError(`more than ${MAX_ITEMS} items`);
      const items: T[] = [];
      let at = count.next;
      let total = 0;
      while (items.length < Number(count.value)) {
        const length = readBigSize(list, at);
        if (length.value > list.length - length.next) throw new ProtocolError(`item ${items.length} is cut off`);
        at = length.next + Number(length.value);
        total += Number(length.value);
        if (total > MAX_ITEM_BYTES) throw new ProtocolError(`more than ${MAX_ITEM_BYTES} bytes of items`);
        items.push(item.decode(viewOf(list, length.next, at)));
      }
      if (at !== list.length) throw new ProtocolError('has bytes after the last item');
      return items;
    },
    encode(items) {
      if (items.length > MAX_ITEMS) throw new ProtocolError(`more than ${MAX_ITEMS} items`);
      const parts = items.map((value) => item.encode(value));
      const total = parts.reduce((sum, part) => sum + part.length, 0);
      if (total > MAX_ITEM_BYTES) throw new ProtocolError(`more than ${MAX_ITEM_BYTES} bytes of items`);
      const lengths = parts.reduce((sum, part) => sum + bigSizeLength(part.length), bigSizeLength(items.length));
      const out = new Uint8Array(total + lengths);
      let at = writeBigSize(out, 0, items.length);
      for (const part of parts) {
        at = writeBigSize(out, at, part.length);
        out.set(part, at);
        at += part.length;
      }
      return out;
    },
  };
}

/** LCP v0.2 §4.4.2, v0.3 §3.7.1. */
export const stringList = listOf(utf8);
