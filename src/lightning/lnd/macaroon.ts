/** Reads numbers and blocks one after the other; throws RangeError past the end. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let shift = 1; shift < 2 ** 35; shift *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
    throw new RangeError('no number');
  }

  block(): Uint8Array {
    const end = this.varint() + this.#at;
    if (end > this.#bytes.length) throw new RangeError('cut off');
    return this.#bytes.subarray(this.#at, (this.#at = end));
  }
}

/** The values of one field of a protobuf message that holds texts, bytes and messages only. */
function fieldsOf(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new Reader(message);
  const found: Uint8Array[] = [];
  while (!reader.isDone) {
    const tag = reader.varint();
    if (tag % 8 !== 2) throw new RangeError('another kind of field');
    const value = reader.block();
    if (tag >> 3 === wanted) found.push(value);
  }
  return found;
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

/** The identifier out of a macaroon of version 2: packets (type, length, content), of which a location may come first. */
function identifierOf(macaroon: Uint8Array): Uint8Array {
  const reader = new Reader(macaroon.subarray(1));
  let type = reader.varint();
  let packet = reader.block();
  if (type === 1) [type, packet] = [reader.varint(), reader.block()];
  if (type !== 2) throw new RangeError('no identifier');
  return packet;
}

/**
 * What a macaroon of lnd allows, as "entity:action" (a method: "uri:/package.Service/Method"), from its hex. Caveats may narrow it,
 * nothing can widen it: the identifier is what lnd's key has signed. Throws RangeError for an identifier of another form, which
 * lnd refuses too (macaroons.Service.CheckMacAuth): version 3 of go-macaroon-bakery, MacaroonId { ops = 3 { entity = 1, actions = 2 } }.
 */
export function macaroonPermissions(hex: string): string[] {
  const identifier = identifierOf(Buffer.from(hex, 'hex'));
  if (identifier[0] !== 3) throw new RangeError('another version');
  return fieldsOf(identifier.subarray(1), 3).flatMap((op) => {
    const entity = text(fieldsOf(op, 1)[0]);
    return fieldsOf(op, 2).map((action) => `${entity}:${text(action)}`);
  });
}
