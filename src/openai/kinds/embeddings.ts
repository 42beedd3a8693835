import { expect, faulty, oneOf, text, whole } from '../rule.ts';
import type { Rule } from '../rule.ts';
import { list } from '../shape.ts';
import { priced } from './text-fields.ts';
import type { Kind } from './kind.ts';

/** As OpenAI's own. */
const MAX_INPUTS = 2048;
const MAX_DIMENSIONS = 65_536;

const oneInput = expect('a text that is not empty', (value) => typeof value === 'string' && value !== '');
const inputs = list(oneInput, MAX_INPUTS);
const isToken = (value: unknown): boolean => typeof value === 'number' || Array.isArray(value);

/** Tokens are of a vocabulary that the buyer believes in: Ollama refuses them, and other servers look them up in their own. */
const input: Rule = (value, context) => {
  if (!Array.isArray(value)) return oneInput(value, context);
  return value.some(isToken)
    ? faulty('as tokens is not sold here: send texts (LangChain: check_embedding_ctx_length=False)')
    : inputs(value, context);
};

export const embeddings: Kind = {
  path: '/embeddings',
  needs: 'embedding',
  input: 'input',
  promptFields: [],
  caps: [],
  defaults: {},
  contentPaths: [],
  fields: {
    model: priced,
    input,
    dimensions: whole(1, MAX_DIMENSIONS),
    encoding_format: oneOf('float', 'base64'),
    user: text(512),
  },
};
