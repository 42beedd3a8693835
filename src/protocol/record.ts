import type { Coder } from './coder.ts';
import { ProtocolError } from './protocol-error.ts';
import { readTlvStream, viewOf, writeTlvStream, type TlvRecord } from './tlv.ts';

type Presence = 'required' | 'optional' | 'forbidden';

/** One row of a record table: TLV type, the specification's name for it, ours, its coder. */
export interface Field<K extends string, T, P extends Presence> {
  readonly type: number;
  readonly name: string;
  readonly key: K;
  readonly coder: Coder<T>;
  readonly presence: P;
}

type AnyField = Field<string, unknown, Presence>;
type ValueOf<F> = F extends Field<string, infer T, Presence> ? T : never;
type KeyOf<F, P extends Presence> = F extends Field<infer K, unknown, P> ? K : never;
type ByKey<F, K> = F extends { readonly key: K } ? F : never;
type Flat<T> = { [K in keyof T]: T[K] };

/** The value which a table of fields describes. */
export type RecordOf<F extends readonly AnyField[]> = Flat<
  { [K in KeyOf<F[number], 'required'>]: ValueOf<ByKey<F[number], K>> } & {
    [K in KeyOf<F[number], 'optional'>]?: ValueOf<ByKey<F[number], K>>;
  }
>;

export function required<K extends string, T>(type: number, name: string, key: K, coder: Coder<T>) {
  return { type, name, key, coder, presence: 'required' } satisfies Field<K, T, 'required'>;
}

export function optional<K extends string, T>(type: number, name: string, key: K, coder: Coder<T>) {
  return { type, name, key, coder, presence: 'optional' } satisfies Field<K, T, 'optional'>;
}

const nothing: Coder<never> = {
  decode() {
    throw new ProtocolError('must not be present');
  },
  encode() {
    throw new ProtocolError('must not be present');
  },
};

/** A TLV that makes the record undecodable when it is there. */
export function forbidden(type: number, name: string) {
  return { type, name, key: name, coder: nothing, presence: 'forbidden' } satisfies Field<string, never, 'forbidden'>;
}

/** A TLV stream as a table of its fields: decoding and encoding both follow from the table, and nothing else. */
export function recordTable<const F extends readonly AnyField[]>(
  fields: F,
  unknownTypes: 'ignored' | 'refused' = 'ignored',
): Coder<RecordOf<F>> {
  const keys = new Set<string>();
  let last = -1;
  for (const { type, key } of fields) {
    if (type <= last || keys.has(key))
      throw new TypeError(`type ${type} (${key}): rows must be ascending, keys unique`);
    last = type;
    keys.add(key);
  }
  return {
    decode(stream) {
      const record: Record<string, unknown> = {};
      let row = 0;
      for (const { type, start, end } of readTlvStream(stream)) {
        while (row < fields.length && fields[row]!.type < type) skipAbsent(fields[row++]!);
        const field = fields[row];
        if (field?.type === type) {
          record[field.key] = named(field, () => field.coder.decode(viewOf(stream, start, end)));
          row++;
        } else if (unknownTypes === 'refused') {
          throw new ProtocolError(`type ${type} is unknown`);
        }
      }
      while (row < fields.length) skipAbsent(fields[row++]!);
      return record as RecordOf<F>; // the rows have been met one by one
    },
    encode(value, memory) {
      const record: Readonly<Record<string, unknown>> = value;
      for (const key in record) {
        if (record[key] !== undefined && !keys.has(key)) throw new ProtocolError(`${key} does not exist here`);
      }
      const records: TlvRecord[] = [];
      for (const field of fields) {
        const part = record[field.key];
        if (part === undefined) skipAbsent(field);
        else records.push({ type: field.type, value: named(field, () => field.coder.encode(part)) });
      }
      return writeTlvStream(records, memory);
    },
  };
}

function skipAbsent(field: AnyField): void {
  if (field.presence === 'required') throw new ProtocolError(`${field.name} is missing`);
}

function named<T>(field: AnyField, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ProtocolError) throw new ProtocolError(`${field.name}: ${error.message}`);
    throw error;
  }
}
