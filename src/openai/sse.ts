const LF = 0x0a;
const CR = 0x0d;

/** One event of an SSE stream, still as bytes: its lines with the blank line that ends it. */
export interface SseEvent {
  readonly bytes: Uint8Array;
  /** What its `data:` lines say, joined by line feeds. */
  data(): string;
}

const decoder = new TextDecoder();

/** The `data:` fields of an event: WHATWG HTML §9.2.6. */
function dataOf(bytes: Uint8Array): string {
  const lines = decoder.decode(bytes).split(/\r\n|\n|\r/);
  return lines
    .filter((line) => line.startsWith('data:'))
    .map((line) => (line[5] === ' ' ? line.slice(6) : line.slice(5)))
    .join('\n');
}

/** Cuts a byte stream into SSE events wherever its chunks break; each byte is looked at once. */
export class SseSplitter {
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Whether the line so far is empty, and whether the last byte was a carriage return. */
  #isLineEmpty = true;
  #sawCr = false;

  /** Bytes of the event that has begun and not ended. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The events that end in these bytes; what is left is held. */
  push(bytes: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    let from = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === LF && this.#sawCr) {
        this.#sawCr = false; // the second half of a CRLF: its line has ended already
        continue;
      }
      if (byte !== LF && byte !== CR) {
        this.#isLineEmpty = false;
        this.#sawCr = false;
        continue;
      }
      this.#sawCr = byte === CR;
      if (!this.#isLineEmpty) {
        this.#isLineEmpty = true;
        continue;
      }
      // A blank line. With CRLF its line feed belongs to it.
      const end = byte === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
      events.push(this.#event(bytes.subarray(from, end)));
      from = end;
      if (end === at + 2) {
        at++;
        this.#sawCr = false;
      }
    }
    this.#hold(bytes.subarray(from));
    return events;
  }

  /** What was held, as the bytes that they are. */
  flush(): Uint8Array {
    const rest = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return rest;
  }

  #event(tail: Uint8Array): SseEvent {
    const bytes = this.#held.length === 0 ? tail : Buffer.concat([...this.#held, tail]);
    this.#held = [];
    this.#heldBytes = 0;
    return { bytes, data: () => dataOf(bytes) };
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#held.push(bytes.slice()); // the buffer belongs to the network
    this.#heldBytes += bytes.length;
  }
}
