/** A value of a GGUF file's metadata, by its type. */
export type GgufValue =
  | { string: string }
  | { uint32: number }
  | { float32: number }
  | { bool: boolean }
  | { uint8s: readonly number[] }
  | { strings: readonly string[] }
  | { int32s: readonly number[] }
  | { float32s: readonly number[] };

/** Weights as 32-bit floats. The innermost dimension comes first, as in the format. */
export type GgufTensor = { name: string; shape: readonly number[]; values: Float32Array };

// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
const VERSION = 3;
const ALIGNMENT = 32;
const F32 = 0;
const typeCodes = { uint8: 0, uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const uint64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

const string = (text: string): Buffer => Buffer.concat([uint64(Buffer.byteLength(text)), Buffer.from(text)]);

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

const array = (type: keyof typeof typeCodes, count: number, items: Buffer): Buffer =>
  Buffer.concat([uint32(typeCodes.array), uint32(typeCodes[type]), uint64(count), items]);

function encoded(value: GgufValue): Buffer {
  if ('string' in value) return Buffer.concat([uint32(typeCodes.string), string(value.string)]);
  if ('uint32' in value) return Buffer.concat([uint32(typeCodes.uint32), uint32(value.uint32)]);
  if ('float32' in value) return Buffer.concat([uint32(typeCodes.float32), bytesOf(Float32Array.of(value.float32))]);
  if ('bool' in value) return Buffer.concat([uint32(typeCodes.bool), Buffer.of(Number(value.bool))]);
  if ('strings' in value) return array('string', value.strings.length, Buffer.concat(value.strings.map(string)));
  if ('uint8s' in value) return array('uint8', value.uint8s.length, Buffer.from(value.uint8s));
  if ('int32s' in value) return array('int32', value.int32s.length, bytesOf(Int32Array.from(value.int32s)));
  return array('float32', value.float32s.length, bytesOf(Float32Array.from(value.float32s)));
}

const padding = (length: number): Buffer => Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);

/** The bytes of a GGUF file. */
export function ggufBytes(metadata: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Buffer {
  const entries = Object.entries(metadata);
  const head = [Buffer.from('GGUF'), uint32(VERSION), uint64(tensors.length), uint64(entries.length)];
  for (const [key, value] of entries) head.push(string(key), encoded(value));
  const data: Buffer[] = [];
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    head.push(string(name), uint32(shape.length), ...shape.map(uint64), uint32(F32), uint64(offset));
    const bytes = bytesOf(values);
    const gap = padding(bytes.length);
    data.push(bytes, gap);
    offset += bytes.length + gap.length;
  }
  const before = Buffer.concat(head);
  return Buffer.concat([before, padding(before.length), ...data]);
}
