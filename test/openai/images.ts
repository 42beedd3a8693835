import { crc32 } from 'node:zlib';

/** The beginning of a PNG of this size, which is enough to the gate. */
export function png(width: number, height: number): string {
  const bytes = Buffer.from('89504e470d0a1a0a0000000d494844520000000000000000', 'hex');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return `data:image/png;base64,${bytes.toString('base64')}`;
}

/** The beginning of a JPEG of this size, with so many bytes of a camera's notes before it. */
export function jpeg(width: number, height: number, notes = 14, marker = 0xc0): string {
  const before = Buffer.alloc(notes + 4);
  before.writeUInt16BE(0xffe1, 0);
  before.writeUInt16BE(notes + 2, 2);
  const frame = Buffer.from([0xff, marker, 0, 17, 8, 0, 0, 0, 0, 3]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return `data:image/jpeg;base64,${Buffer.concat([Buffer.from([0xff, 0xd8]), before, frame]).toString('base64')}`;
}

/** A PNG that begins with a header of each of these sizes, with some chunks between them. */
export function pngWithHeaders(...sizes: readonly [width: number, height: number][]): string {
  const headers = sizes.map(([width, height]) => {
    const data = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
    data.writeUInt32BE(width, 0);
    data.writeUInt32BE(height, 4);
    return Buffer.concat([chunk('IHDR', data), chunk('tEXt', Buffer.from('a\0IHDR'))]);
  });
  const parts = [Buffer.from('89504e470d0a1a0a', 'hex'), ...headers, chunk('IDAT', Buffer.alloc(9)), chunk('IEND')];
  return `data:image/png;base64,${Buffer.concat(parts).toString('base64')}`;
}

function chunk(type: string, data = Buffer.alloc(0)): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const named = Buffer.concat([Buffer.from(type), data]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

/** A JPEG up to its first scan: segments with these markers, the frame headers among them each of one pixel more than the last. */
export function jpegOfSegments(...markers: readonly number[]): string {
  const segments = markers.map((marker, index) => Buffer.from([0xff, marker, 0, 8, 8, 0, index + 1, 0, index + 1, 0]));
  const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
  const bytes = Buffer.concat([Buffer.from([0xff, 0xd8]), ...segments, scan, Buffer.alloc(9)]);
  return `data:image/jpeg;base64,${bytes.toString('base64')}`;
}
