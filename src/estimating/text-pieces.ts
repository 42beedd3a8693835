/** Cuts text that has no spaces for long: byte pair encoding takes quadratic time for such runs, seconds for some 100,000 characters. */
const MAX_RUN = 256;
/** A text is handed to the tokenizer in pieces of about this length, so that none of its own patterns walks through megabytes. */
const PIECE = 8192;

/** Parts that together are the text; each has spaces or is short. Cuts cost at most a token each. Linear. */
export function* pieces(text: string): Generator<string> {
  let start = 0;
  let runStart = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const isSpace = unit === 0x20 || unit === 0x0a;
    const isLong = at - runStart >= MAX_RUN;
    const isLowSurrogate = unit >= 0xdc00 && unit <= 0xdfff;
    // A space goes with the word behind it, as in the vocabulary.
    if (at > start && !isLowSurrogate && (isLong || (isSpace && at - start >= PIECE))) {
      yield text.slice(start, at);
      start = runStart = at;
    } else if (isSpace && text.charCodeAt(at - 1) !== unit) runStart = at;
  }
  if (start < text.length) yield text.slice(start);
}

/** Tokens of each text, counted piece by piece. */
export const countInPieces = (texts: readonly string[], countPiece: (piece: string) => number): number[] =>
  texts.map((text) => {
    let tokens = 0;
    for (const piece of pieces(text)) tokens += countPiece(piece);
    return tokens;
  });
