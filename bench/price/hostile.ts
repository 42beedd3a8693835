import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Report as Tell } from '../../test/rig/cache.ts';
import { OUTPUT_TOKENS } from './measure.ts';
import { Shop } from './shop.ts';
import type { Upstream } from './shop-config.ts';

export interface HostileResult {
  readonly server: string;
  readonly model: string;
  readonly text: string;
  readonly bytes: number;
  readonly quoteMs: number;
  /** The longest time in which the event loop did nothing else. */
  readonly heldUpMs: number;
  readonly outcome: string;
}

const BYTES = 4_000_000;
const filled = (piece: string): string => piece.repeat(Math.ceil(BYTES / Buffer.byteLength(piece)));
const texts: Readonly<Record<string, string>> = {
  'one letter': filled('a'),
  CJK: filled('漢字仮名'),
  emoji: filled('👩‍👩‍👧‍👦'),
  newlines: filled('\n'),
  words: Array.from({ length: BYTES / 5 }, (_, at) => ((at * 2_654_435_761) % 99_991).toString(36)).join(' '),
};

/** Quotes for texts that are hard to count, as the product makes them. */
export async function measureHostile(server: string, upstream: Upstream, tell: Tell): Promise<HostileResult[]> {
  const { model, driver } = upstream;
  tell(`${server} ${model}: loading …`);
  const estimator = driver === 'ollama' ? 'ollama' : 'openai';
  await using shop = await Shop.open(upstream, [estimator], OUTPUT_TOKENS, tell);
  const results: HostileResult[] = [];
  for (const [text, content] of Object.entries(texts)) {
    const body = Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content }] }));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const startMs = performance.now();
    const quote = await shop.quote(estimator, 'openai.chat_completions.v1', body);
    const quoteMs = performance.now() - startMs;
    delay.disable();
    const outcome = 'refusal' in quote ? quote.refusal : `${quote.inputTokens} tokens, ${quote.counted?.accuracy}`;
    results.push({ server, model, text, bytes: body.length, quoteMs, heldUpMs: delay.max / 1e6, outcome });
  }
  return results;
}

export const hostileTable = (results: readonly HostileResult[]): string =>
  results
    .map(({ server, model, text, bytes, quoteMs, heldUpMs, outcome }) =>
      [
        server.padEnd(14),
        model.padEnd(14),
        text.padEnd(10),
        `${(bytes / 1e6).toFixed(1)} MB`.padStart(7),
        `quote ${quoteMs.toFixed(0)} ms`.padStart(14),
        `held up ${heldUpMs.toFixed(1)} ms`.padStart(17),
        ` ${outcome}\n`,
      ].join('  '),
    )
    .join('');
