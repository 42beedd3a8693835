import type { InputShape } from '../openai/input-shape.ts';

/** Tokens around each message (role, separators, name), as OpenAI's cookbook counts them for chat models, rounded up. */
const TOKENS_PER_MESSAGE = 4;
/** What opens the answer. */
const TOKENS_PER_REQUEST = 3;

/** Tokens that a template usually adds to the text: for bounds, and before what this one adds is learned. */
export const usualTemplateTokens = ({ system, user, assistant, tool }: InputShape): number =>
  (system + user + assistant + tool) * TOKENS_PER_MESSAGE + TOKENS_PER_REQUEST;
