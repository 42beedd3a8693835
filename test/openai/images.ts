/** The beginning of a PNG of this size, which is all that the gate reads. */
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
