/** Counts the tokens of text without special tokens; stops above `limit`. `isFirst`: a special token or nothing is before it. */
export type FragmentCounter = (text: string, isFirst: boolean, limit: number) => number;
