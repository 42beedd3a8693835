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
  /** False: the server does not render the prompts of chats, so that what its templates add is not known. */
  readonly renders: boolean;
}

/** What a model is given, and how many tokens that is to its server. */
interface Probe {
  /** As it is rendered, where it is. */
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
 * server's. Rejects with CannotCount when the counts, which should be exact, are those of no engine that is known.
 */
export async function findWay(
  model: ServedModel,
  use: Capability,
  counter: VocabularyCounter,
  prepareMs: number,
  signal: AbortSignal,
): Promise<Way> {
  const count = async (text: string, engine: Engine): Promise<number> => {
    const [tokens] = (await counter.count(model, engine, [text], Infinity, signal)) ?? [];
    if (tokens === undefined) throw new CannotCount('reading its vocabulary takes too long');
    return tokens;
  };
  const probesOf = use === 'embedding' ? embeddedProbes : chatProbes;
  const { plain, odd, renders } = await probesOf(model, prepareMs, signal);
  const failures = new Set<string>();
  let isReadable = false;
  for (const engine of ENGINES) {
    try {
      const extraTokens = plain.tokens - (await count(plain.prompt, engine));
      const counted = (await count(odd.prompt, engine)) + extraTokens;
      const isUsual = extraTokens >= 0 && (extraTokens <= MAX_EXTRA || !renders);
      if (isUsual && counted === odd.tokens) return { engine, extraTokens, renders };
      isReadable = true;
      failures.add(`a probe has ${odd.tokens} tokens there and ${counted} here`);
    } catch (error) {
      if (!(error instanceof CannotCount)) throw error;
      failures.add(error.message);
    }
  }
  if (isReadable && !renders) return { engine: 'llama.cpp', extraTokens: 0, renders }; // near, and said to be an estimate
  throw new CannotCount(`Ollama counts in a way that is not known: ${[...failures].join('; ')}`);
}

interface Probes {
  readonly plain: Probe;
  readonly odd: Probe;
  readonly renders: boolean;
}

async function chatProbes({ server, name }: ServedModel, prepareMs: number, signal: AbortSignal): Promise<Probes> {
  const [plain, odd] = [
    await server.render(name, chatOf(PLAIN), prepareMs, signal),
    await server.render(name, chatOf(ODD), prepareMs, signal),
  ];
  const plainTokens = await server.countByRunning(name, chatOf(PLAIN), prepareMs, signal);
  const oddTokens = await server.countByRunning(name, chatOf(ODD), prepareMs, signal);
  const renders = plain !== undefined && odd !== undefined;
  return {
    plain: { prompt: renders ? plain : PLAIN, tokens: plainTokens },
    odd: { prompt: renders ? odd : ODD, tokens: oddTokens },
    renders,
  };
}

const embeddedProbes = async (
  { server, name }: ServedModel,
  prepareMs: number,
  signal: AbortSignal,
): Promise<Probes> => ({
  plain: { prompt: PLAIN, tokens: await server.countByEmbedding(name, PLAIN, prepareMs, signal) },
  odd: { prompt: ODD, tokens: await server.countByEmbedding(name, ODD, prepareMs, signal) },
  renders: true, // a text without a template
});
