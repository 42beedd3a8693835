import { MAX_PAYLOAD_BYTES } from '../protocol/codec.ts';

/** Below, new memory costs no more than to look after it. */
const LEAST_DATA_BYTES = 4 << 10;
const MAX_SPARES = 16;

/** Memory for messages with much data, used again: new memory for each keeps the garbage collector busier than all the sending. */
export class SendMemory {
  readonly #spares: Uint8Array[] = [];

  /** Undefined: the message is small. */
  take(dataBytes: number): Uint8Array | undefined {
    if (dataBytes < LEAST_DATA_BYTES) return undefined;
    return this.#spares.pop() ?? new Uint8Array(MAX_PAYLOAD_BYTES);
  }

  /** Once nobody looks at it any more. What is not given back is forgotten. */
  giveBack(memory: Uint8Array): void {
    if (this.#spares.length < MAX_SPARES) this.#spares.push(memory);
  }
}
