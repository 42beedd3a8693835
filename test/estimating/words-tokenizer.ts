/** Words are tokens, when the vocabulary has them; all others are one unknown token. */
export const words = JSON.stringify({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: null,
  decoder: null,
  model: { type: 'WordLevel', vocab: { '[UNK]': 0, one: 1, two: 2, user: 3 }, unk_token: '[UNK]' },
});
