/** The vocabularies that are at hand. */
export type EncodingName = 'o200k_base' | 'cl100k_base';

const cl100k = /^(gpt-4(-|$)|gpt-4-turbo|gpt-3\.5|text-embedding-)/;

/** The vocabulary that OpenAI's model of that name has; o200k for all since gpt-4o and for names of others. A provider's prefix (`openai/`) counts for nothing. */
export const encodingOf = (model: string): EncodingName =>
  cl100k.test(model.slice(model.lastIndexOf('/') + 1)) ? 'cl100k_base' : 'o200k_base';
