/** Pictures are pixels to a model: a small file can hold very many. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Tokens that an image takes of a model's context. */
export interface ImageTokens {
  /** At most, whatever its size. */
  readonly most: number;
  /** Where they go by its pixels: the side of the square that takes one, and the tokens to which a smaller image is made larger. */
  readonly bySize?: { readonly squarePixels: number; readonly least: number };
}

const DATA_URL = /^data:image\/(?:png|jpe?g);base64,/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
const PNG_SIGNATURE_BYTES = 8;
/** Of a PNG's chunk, beside its data: length, type and CRC. */
const CHUNK_FRAME_BYTES = 12;
const IHDR = 0x49484452;

/**
 * The size of an image in a `data:` URL, as its own header tells it; undefined: it is none, or one that decoders may read in different ways.
 * PNG and JPEG only: others hold their size in several places.
 */
export function imageSize(url: string): ImageSize | undefined {
  const head = DATA_URL.exec(url)?.[0];
  if (head === undefined) return undefined;
  const data = url.slice(head.length);
  if (data.length % 4 !== 0 || !BASE64.test(data)) return undefined;
  const bytes = Buffer.from(data, 'base64');
  const size = bytes.subarray(0, PNG.length).equals(PNG) ? pngSize(bytes) : jpegSize(bytes);
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}

/** PNG §5.6: IHDR comes first, and once. Of two, some decoders take the last. */
function pngSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 24) return undefined;
  const second = PNG_SIGNATURE_BYTES + CHUNK_FRAME_BYTES + 13;
  for (let at = second; at + 8 <= bytes.length; at += CHUNK_FRAME_BYTES + bytes.readUInt32BE(at))
    if (bytes.readUInt32BE(at + 4) === IHDR) return undefined;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** ITU T.81 §B: segments up to the first scan, one of them a frame header. Of two, some decoders take the last. */
function jpegSize(bytes: Buffer): ImageSize | undefined {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  let size: ImageSize | undefined;
  for (let at = 2; at + 9 <= bytes.length;) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff) return undefined;
    if (marker === START_OF_SCAN) return size;
    if (marker === 0xff) at++;
    else if (isReadDifferently(marker) || (isFrameHeader(marker) && size !== undefined)) return undefined;
    else {
      if (isFrameHeader(marker)) size = { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
      at += 2 + bytes.readUInt16BE(at + 2);
    }
  }
  return size;
}

const START_OF_SCAN = 0xda;

/** SOF0 to SOF15; between them DHT, JPG and DAC. */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Markers without a segment; DHP, to some a frame header; JPG and JPG0 to JPG13, which some look into for more markers. */
const isReadDifferently = (marker: number): boolean =>
  marker < 0xc0 ||
  marker === 0xc8 ||
  (marker >= 0xd0 && marker <= 0xd9) ||
  marker === 0xde ||
  (marker >= 0xf0 && marker <= 0xfd);
