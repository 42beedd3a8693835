/** The vocabularies that are at hand. */
export type EncodingName = 'o200k_base' | 'cl100k_base';

const cl100k = /^(gpt-4(-|$)|gpt-4-turbo|gpt-3\.5|text-embedding-)/;

/** The vocabulary that OpenAI's model of that name has; o200k for all since gpt-4o and for names of others. A provider's prefix (`openai/`) counts for nothing. */
export const encodingOf = (model: string): EncodingName =>
  cl100k.test(model.slice(model.lastIndexOf('/') + 1)) ? 'cl100k_base' : 'o200k_base';

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
