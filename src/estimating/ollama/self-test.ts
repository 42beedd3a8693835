import { CannotCount } from '../estimator.ts';
import type { Engine } from '../tokenizer/vocabulary.ts';
import { written } from './messages.ts';
import type { OllamaChat } from './messages.ts';

/** How a server counts the prompts of a model. */
export interface Way {
  readonly engine: Engine;
  /** Tokens that are put before or behind the rendered prompt. */
  readonly extraTokens: number;
}

const chatOf = (content: string): OllamaChat => ({
  messages: [written({ role: 'user', content })],
  tools: undefined,
  think: undefined,
  format: undefined,
});

/** Any engine makes the same of this one. */
export const plainProbe = chatOf('hi');

/** Where the engines and the ways of splitting text differ: runs of spaces, wide spaces, shortened words, digits, scripts, signs. */
export const oddProbe = chatOf(
  `x${' '.repeat(777)}y\u00a0\u3000\u2003z \u000b\t \n\n \r\nDON'T we'LL it's 1234567 ٣٤٥ ½² Ǆǅ İß éé Привет 漢字仮名 안녕 हिन्दी ` +
    `👩‍👩‍👧‍👦 🇩🇪 camelCase HTMLParser  /*!?...*/ {"a": [1,  2]}\n\n\n${'='.repeat(99)}\n</s><|im_start|><|eot_id|> ▁Ġ\u0000 end`,
);

/** What was counted of a probe. */
export interface Probed {
  readonly rendered: string;
  /** By the server itself. */
  readonly tokens: number;
}

const ENGINES: readonly Engine[] = ['llama.cpp', 'ollama'];
/** One before and one behind the prompt. */
const MAX_EXTRA = 2;

/** The engine whose counts are the server's, found by what it made of both probes. Rejects with CannotCount when it is none that is known. */
export async function findWay(
  plain: Probed,
  odd: Probed,
  count: (rendered: string, engine: Engine) => Promise<number>,
): Promise<Way> {
  const failures: string[] = [];
  for (const engine of ENGINES) {
    try {
      const extraTokens = plain.tokens - (await count(plain.rendered, engine));
      const difference = odd.tokens - (await count(odd.rendered, engine)) - extraTokens;
      if (extraTokens >= 0 && extraTokens <= MAX_EXTRA && difference === 0) return { engine, extraTokens };
      failures.push(`a probe has ${odd.tokens} tokens there and ${odd.tokens - difference} here`);
    } catch (error) {
      if (!(error instanceof CannotCount)) throw error;
      failures.push(error.message);
    }
  }
  throw new CannotCount(`Ollama counts in a way that is not known: ${[...new Set(failures)].join('; ')}`);
}
