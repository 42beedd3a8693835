/** Longer texts are not counted: they get the upper bound at once. */
export const MAX_TEXT_BYTES = 8 * 1024 * 1024;

/** The upper bound of their tokens: no token has less than one byte. */
export const textBytes = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
