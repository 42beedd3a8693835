import { charsmapOf } from './sample-charsmap.ts';
import { ranked } from './sample-vocabularies.ts';
import type { Shown } from './sample-vocabularies.ts';

const CONTROL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** A vocabulary of words and what continues them, as BERT's models have it. */
export function wordVocabulary(architecture: string): Shown {
  const words = ranked().flatMap((bytes) => {
    const text = bytes.toString('utf8');
    if (!/^ ?[^\s\ufffd\p{C}]+$/u.test(text)) return [];
    if (text.startsWith(' ')) return [`▁${text.slice(1)}`];
    return /^.$/u.test(text) ? [text, `▁${text}`] : [text];
  });
  const pieces = [...new Set(words)].filter((word) => !CONTROL.includes(word));
  return {
    model_info: {
      'general.architecture': architecture,
      'general.name': 'sample',
      'tokenizer.ggml.model': 'bert',
      'tokenizer.ggml.tokens': [...CONTROL, ...pieces],
      'tokenizer.ggml.token_type': [...CONTROL.map(() => 3), ...pieces.map(() => 1)],
      'tokenizer.ggml.unknown_token_id': 1,
      'tokenizer.ggml.cls_token_id': 2,
      'tokenizer.ggml.seperator_token_id': 3,
    },
  };
}

const XLM_CONTROL = ['<s>', '<pad>', '</s>', '<unk>'];

/** A vocabulary of pieces with likelihoods, as XLM-RoBERTa's models have it, with some of what becomes of text there. */
export function pieceVocabulary(): Shown {
  const words = ranked().flatMap((bytes) => {
    const text = bytes.toString('utf8');
    return /^ ?[^\s\ufffd\p{C}]+$/u.test(text) ? [text.replace(' ', '▁')] : [];
  });
  const pieces = [...new Set(['▁', ...words])].filter((word) => !XLM_CONTROL.includes(word));
  const charsmap = charsmapOf({
    '\t': ' ',
    '\n': ' ',
    '\u3000': ' ',
    '\u00a0': ' ',
    '\u200b': '',
    '\ufeff': '',
    'e\u0301': 'é',
    e: 'e',
    '½': '1/2',
    '²': '2',
    '№': 'No',
    '！': '!',
    '…': '...',
    Å: 'a b',
  });
  return {
    model_info: {
      'general.architecture': 'bert',
      'general.name': 'sample',
      'tokenizer.ggml.model': 't5',
      'tokenizer.ggml.tokens': [...XLM_CONTROL, ...pieces],
      'tokenizer.ggml.token_type': [3, 3, 3, 2, ...pieces.map(() => 1)],
      'tokenizer.ggml.scores': [0, 0, 0, 0, ...pieces.map((_, index) => Math.fround(-4 - (index >> 1) / 1000))],
      'tokenizer.ggml.precompiled_charsmap': Buffer.from(charsmap).toString('base64'),
      'tokenizer.ggml.add_space_prefix': true,
      'tokenizer.ggml.remove_extra_whitespaces': true,
      'tokenizer.ggml.unknown_token_id': 3,
    },
  };
}
