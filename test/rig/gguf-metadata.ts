type Value = string | number | boolean | Value[];

/** Readers of a value, by its type's number, from https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  value(type: number): Value {
    const at = this.#at;
    const bytes = this.#bytes;
    const read = <T>(size: number, value: T): T => {
      this.#at += size;
      return value;
    };
    switch (type) {
      case 0:
        return read(1, bytes.readUInt8(at));
      case 1:
        return read(1, bytes.readInt8(at));
      case 2:
        return read(2, bytes.readUInt16LE(at));
      case 3:
        return read(2, bytes.readInt16LE(at));
      case 4:
        return read(4, bytes.readUInt32LE(at));
      case 5:
        return read(4, bytes.readInt32LE(at));
      case 6:
        return read(4, bytes.readFloatLE(at));
      case 7:
        return read(1, bytes.readUInt8(at) !== 0);
      case 8:
        return this.string();
      case 9: {
        const itemType = this.value(4) as number;
        return Array.from({ length: this.size() }, () => this.value(itemType));
      }
      default:
        throw new Error(`a value of type ${type} is not read here`);
    }
  }

  string(): string {
    const size = this.size();
    const text = this.#bytes.toString('utf8', this.#at, this.#at + size);
    this.#at += size;
    return text;
  }

  size(): number {
    const size = Number(this.#bytes.readBigUInt64LE(this.#at));
    this.#at += 8;
    return size;
  }
}

const AFTER_VERSION = 8;

/** What a GGUF file says of its model. */
export function ggufMetadata(bytes: Buffer): Record<string, Value> {
  const reader = new Reader(bytes, AFTER_VERSION);
  reader.size(); // of tensors
  const metadata: Record<string, Value> = {};
  for (let left = reader.size(); left > 0; left--) {
    const key = reader.string();
    metadata[key] = reader.value(reader.value(4) as number);
  }
  return metadata;
}
