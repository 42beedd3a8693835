import type { Capability } from '../../openai/request.ts';
import { CannotCount } from '../estimator.ts';
import type { Engine } from '../tokenizer/vocabulary.ts';
import { written } from './messages.ts';
import type { OllamaChat } from './messages.ts';
import type { ServedModel, VocabularyCounter } from './vocabulary-counter.ts';

/** How a server counts the prompts of a model. */
export interface Way {
  readonly engine: Engine;
  /** Tokens that are put before or behind the rendered prompt, or each text of an embedding. */
  readonly extraTokens: number;
}

/** What a model is given, and how many tokens that is to its server. */
interface Probe {
  readonly prompt: string;
  readonly tokens: number;
}

const chatOf = (content: string): OllamaChat => ({
  messages: [written({ role: 'user', content })],
  tools: undefined,
  think: undefined,
  format: undefined,
});

/** Any engine makes the same of this one. */
const PLAIN = 'hi';

/** Where the engines and the ways of splitting text differ: runs of spaces, wide spaces, shortened words, digits, scripts, signs, and text behind special tokens. */
const ODD =
  `x${' '.repeat(777)}y\u00a0\u3000\u2003z \u000b\t \n\n \r\nDON'T we'LL it's 1234567 ٣٤٥ ½² Ǆǅ İß éé Привет 漢字仮名 안녕 हिन्दी ` +
  `👩‍👩‍👧‍👦 🇩🇪 camelCase HTMLParser  /*!?...*/ {"a": [1,  2]}\n\n\n${'='.repeat(99)}\n</s>\n<s>漢<eos>\n</s>1<|im_start|>\n<|eot_id|> ▁Ġ\u0000 end`;

const ENGINES: readonly Engine[] = ['llama.cpp', 'older llama.cpp', 'ollama'];
/** One before and one behind the prompt. */
export const MAX_EXTRA = 2;

/**
 * Puts a model to the test: it is loaded, and answers two prompts with a token each, or embeds them. The engine is the one whose counts are the
 * server's; undefined: the server renders no prompts. Rejects with CannotCount when the counts are those of no engine that is known.
 */
export async function findWay(
  model: ServedModel,
  use: Capability,
  counter: VocabularyCounter,
  prepareMs: number,
  signal: AbortSignal,
): Promise<Way | undefined> {
  const count = async (text: string, engine: Engine): Promise<number> => {
    const [tokens] = (await counter.count(model, engine, [text], Infinity, signal)) ?? [];
    if (tokens === undefined) throw new CannotCount('reading its vocabulary takes too long');
    return tokens;
  };
  const probesOf = use === 'embedding' ? embeddedProbes : chatProbes;
  const probes = await probesOf(model, prepareMs, signal);
  if (probes === undefined) {
    await count('', 'llama.cpp'); // its vocabulary at least is known
    return undefined;
  }
  const [plain, odd] = probes;
  const failures = new Set<string>();
  for (const engine of ENGINES) {
    try {
      const extraTokens = plain.tokens - (await count(plain.prompt, engine));
      const counted = (await count(odd.prompt, engine)) + extraTokens;
      if (extraTokens >= 0 && extraTokens <= MAX_EXTRA && counted === odd.tokens) return { engine, extraTokens };
      failures.add(`a probe has ${odd.tokens} tokens there and ${counted} here`);
    } catch (error) {
      if (!(error instanceof CannotCount)) throw error;
      failures.add(error.message);
    }
  }
  throw new CannotCount(`Ollama counts in a way that is not known: ${[...failures].join('; ')}`);
}

type Probes = readonly [plain: Probe, odd: Probe];

/** Undefined: the server renders no prompts. */
async function chatProbes(
  { server, name }: ServedModel,
  prepareMs: number,
  signal: AbortSignal,
): Promise<Probes | undefined> {
  const [plain, odd] = [
    await server.render(name, chatOf(PLAIN), prepareMs, signal),
    await server.render(name, chatOf(ODD), prepareMs, signal),
  ];
  if (plain === undefined || odd === undefined) return undefined;
  return [
    { prompt: plain, tokens: await server.countByRunning(name, chatOf(PLAIN), prepareMs, signal) },
    { prompt: odd, tokens: await server.countByRunning(name, chatOf(ODD), prepareMs, signal) },
  ];
}

const embeddedProbes = async (
  { server, name }: ServedModel,
  prepareMs: number,
  signal: AbortSignal,
): Promise<Probes> => [
  { prompt: PLAIN, tokens: await server.countByEmbedding(name, PLAIN, prepareMs, signal) },
  { prompt: ODD, tokens: await server.countByEmbedding(name, ODD, prepareMs, signal) },
];
