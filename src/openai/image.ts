/** Pictures are pixels to a model: a small file can hold very many. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

const DATA_URL = /^data:image\/(?:png|jpe?g);base64,/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
/** Where a JPEG may tell its size: cameras and editors put up to some 100 KB before it. */
const MAX_HEADER_CHARACTERS = 1_048_576;

/**
 * The size of an image in a `data:` URL, as its own header tells it; undefined: it is none, or one that decoders may read in different ways.
 * PNG and JPEG only: others hold their size in several places.
 */
export function imageSize(url: string): ImageSize | undefined {
  const head = DATA_URL.exec(url)?.[0];
  if (head === undefined) return undefined;
  const data = url.slice(head.length);
  if (data.length % 4 !== 0 || !BASE64.test(data)) return undefined;
  const bytes = Buffer.from(data.slice(0, MAX_HEADER_CHARACTERS), 'base64');
  const size = bytes.subarray(0, PNG.length).equals(PNG) ? pngSize(bytes) : jpegSize(bytes);
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}

/** PNG §11.2.1: IHDR comes first. */
const pngSize = (bytes: Buffer): ImageSize | undefined =>
  bytes.length < 24 ? undefined : { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };

/** ITU T.81 §B: segments up to the first frame header. */
function jpegSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 9 <= bytes.length;) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff) return undefined;
    if (marker === 0xff) at++;
    else if (isFrameHeader(marker)) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    else if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) return undefined;
    else at += 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

/** SOF0 to SOF15; between them DHT, JPG and DAC. */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
