import { CannotCount } from '../estimator.ts';
import type { Engine } from '../tokenizer/vocabulary.ts';
import { written } from './messages.ts';
import type { OllamaChat } from './messages.ts';
import type { ServedModel, VocabularyCounter } from './vocabulary-counter.ts';

/** How a server counts the prompts of a model. */
export interface Way {
  readonly engine: Engine;
  /** Tokens that are put before or behind the rendered prompt. Undefined: the server renders no prompts. */
  readonly extraTokens: number | undefined;
}

const chatOf = (content: string): OllamaChat => ({
  messages: [written({ role: 'user', content })],
  tools: undefined,
  think: undefined,
  format: undefined,
});

/** Any engine makes the same of this one. */
const plainText = 'hi';
const plainProbe = chatOf(plainText);

/** Where the engines and the ways of splitting text differ: runs of spaces, wide spaces, shortened words, digits, scripts, signs, and text behind special tokens. */
const oddText =
  `x${' '.repeat(777)}y\u00a0\u3000\u2003z \u000b\t \n\n \r\nDON'T we'LL it's 1234567 ٣٤٥ ½² Ǆǅ İß éé Привет 漢字仮名 안녕 हिन्दी ` +
  `👩‍👩‍👧‍👦 🇩🇪 camelCase HTMLParser  /*!?...*/ {"a": [1,  2]}\n\n\n${'='.repeat(99)}\n</s>\n<s>漢<eos>\n</s>1<|im_start|>\n<|eot_id|> ▁Ġ\u0000 end`;
const oddProbe = chatOf(oddText);

const ENGINES: readonly Engine[] = ['llama.cpp', 'older llama.cpp', 'ollama'];
/** One before and one behind the prompt. */
const MAX_EXTRA = 2;

/**
 * Puts a model to the test: it is loaded, and answers two prompts with a token each. The engine is the one whose counts are the server's. Rejects with
 * CannotCount when the counts are those of no engine that is known, and its prompts are rendered, so that they should be exact.
 */
export async function findWay(
  model: ServedModel,
  counter: VocabularyCounter,
  prepareMs: number,
  signal: AbortSignal,
): Promise<Way> {
  const { server, name } = model;
  const count = async (text: string, engine: Engine): Promise<number> => {
    const [tokens] = (await counter.count(model, engine, [text], Infinity, signal)) ?? [];
    if (tokens === undefined) throw new CannotCount('reading its vocabulary takes too long');
    return tokens;
  };
  const [plain, odd] = [
    await server.render(name, plainProbe, prepareMs, signal),
    await server.render(name, oddProbe, prepareMs, signal),
  ];
  const renders = plain !== undefined && odd !== undefined;
  const plainTokens = await server.countByRunning(name, plainProbe, prepareMs, signal);
  const oddTokens = await server.countByRunning(name, oddProbe, prepareMs, signal);
  const failures = new Set<string>();
  let isReadable = false;
  for (const engine of ENGINES) {
    try {
      const extraTokens = plainTokens - (await count(plain ?? plainText, engine));
      const counted = (await count(odd ?? oddText, engine)) + extraTokens;
      if (counted === oddTokens && !renders) return { engine, extraTokens: undefined };
      if (counted === oddTokens && extraTokens >= 0 && extraTokens <= MAX_EXTRA) return { engine, extraTokens };
      isReadable = true;
      failures.add(`a probe has ${oddTokens} tokens there and ${counted} here`);
    } catch (error) {
      if (!(error instanceof CannotCount)) throw error;
      failures.add(error.message);
    }
  }
  if (isReadable && !renders) return { engine: 'llama.cpp', extraTokens: undefined }; // near, and said to be an estimate
  throw new CannotCount(`Ollama counts in a way that is not known: ${[...failures].join('; ')}`);
}
