import { pino } from 'pino';
import type { PurchaseSteps } from '../src/buyer/requester.ts';
import type { LndNode } from '../src/lightning/lnd/lnd-node.ts';
import { msat } from '../src/money/msat.ts';
import { startBuyer } from '../src/node/buyer-node.ts';
import type { BuyerNode } from '../src/node/buyer-node.ts';
import { openBuyerLnd } from '../test/rig/buyer-lnd.ts';
import type { Rig } from '../test/rig/rig.ts';
import type { Model } from './backend.ts';

const REQUEST_BYTES = 1024;
const QUOTE_TIMEOUT_MS = 30_000;
const maxPriceMsat = msat(10_000_000n);
const never = new AbortController().signal;

/** A chat of 1 KB that wants its answer as a stream. */
export function requestFor(model: Model): Buffer {
  const body = (content: string) =>
    JSON.stringify({ model, messages: [{ role: 'user', content }], max_tokens: 40, stream: true });
  return Buffer.from(body('x'.repeat(REQUEST_BYTES - body('').length)));
}

/** Our own buyer upon the buyer's lnd, inside this process. */
export class Buyer implements AsyncDisposable {
  readonly lnd: LndNode;
  readonly #node: BuyerNode;
  readonly #provider: string;

  private constructor(lnd: LndNode, node: BuyerNode, provider: string) {
    this.lnd = lnd;
    this.#node = node;
    this.#provider = provider;
  }

  static async start(rig: Rig): Promise<Buyer> {
    const lnd = await openBuyerLnd(rig);
    const log = pino({ level: 'silent' });
    const node = await startBuyer({ node: lnd, log, quoteTimeoutMs: QUOTE_TIMEOUT_MS });
    return new Buyer(lnd, node, rig.seller.nodeId);
  }

  /** Resolves when the provider that runs now sells the model: a fresh one lets a sale through. */
  async untilSelling(): Promise<void> {
    await this.#node.whenProvider(this.#provider, 3);
    for (let tries = 1; ; tries++) {
      try {
        await this.buy('brief');
        return;
      } catch (error) {
        if (tries === 40) throw error; // a new provider has to learn our manifest first
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  /** Buys an answer and takes all of it; resolves with its size. Rejects with BuyerError. */
  async buy(model: Model, steps: PurchaseSteps = {}): Promise<number> {
    const order = {
      peer: this.#provider,
      version: 3,
      taskKind: 'openai.chat_completions.v1',
      model,
      input: requestFor(model),
      maxPriceMsat,
    } as const;
    const bought = await this.#node.requester.buy(order, never, steps);
    let bytes = 0;
    bought.body.on('data', (data: Buffer) => (bytes += data.length));
    await bought.done;
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.close();
    await this.lnd.close();
  }
}
