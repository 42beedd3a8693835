/** The letter by which vocabularies of bytes write each byte (GPT-2's table). */
export const byteLetters: readonly string[] = (() => {
  const isPlain = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPlain(byte) ? byte : 0x100 + others++));
})();

const byteOfLetter = new Map(byteLetters.map((letter, byte) => [letter, byte]));
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that such a token stands for; undefined when it is none, or only a part of a letter. */
export function textOfToken(token: string): string | undefined {
  const bytes = new Uint8Array(token.length);
  for (let at = 0; at < token.length; at++) {
    const byte = byteOfLetter.get(token[at] ?? '');
    if (byte === undefined) return undefined;
    bytes[at] = byte;
  }
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
