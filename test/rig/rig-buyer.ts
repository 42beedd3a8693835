import { buffer } from 'node:stream/consumers';
import type { PurchaseSteps } from '../../src/buyer/requester.ts';
import { msat } from '../../src/money/msat.ts';
import { startBuyer } from '../../src/node/buyer-node.ts';
import type { BuyerNode } from '../../src/node/buyer-node.ts';
import type { Version } from '../../src/protocol/messages.ts';
import { silentLog } from '../harness/silent-log.ts';
import { openBuyerLnd } from './buyer-lnd.ts';
import { sha256 } from './recording-proxy.ts';
import type { Rig } from './rig.ts';

const never = new AbortController().signal;
const maxPriceMsat = msat(10_000_000n);

export const chatKind = 'openai.chat_completions.v1';
export const responsesKind = 'openai.responses.v1';
export const embeddingsKind = 'openai.embeddings.v1';

/** A chat as clients write it; `more` adds fields or replaces them. */
export const chat = (model: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello there' }], max_tokens: 40, ...more });

/** A streamed chat that asks for usage: then not a byte may differ. */
export const streamedChat = (model: string, more: Record<string, unknown> = {}): string =>
  chat(model, { stream: true, stream_options: { include_usage: true }, ...more });

export type Purchased = { jobId: string; priceMsat: bigint; contentType: string; bytes: Buffer; sha256: string };

export type Wanted = { body: string; version?: Version; taskKind?: string; steps?: PurchaseSteps };

/** Our own buyer on the buyer's lnd of the rig, inside this process. */
export class RigBuyer implements AsyncDisposable {
  readonly node: BuyerNode;
  readonly #provider: string;
  readonly #closeNode: () => Promise<void>;

  private constructor(node: BuyerNode, provider: string, closeNode: () => Promise<void>) {
    this.node = node;
    this.#provider = provider;
    this.#closeNode = closeNode;
  }

  /** `patienceMs`: it waits and asks again when the seller says so. */
  static async start(rig: Rig, patienceMs = 0): Promise<RigBuyer> {
    const lnd = await openBuyerLnd(rig);
    const node = await startBuyer({ node: lnd, log: silentLog, patienceMs });
    return new RigBuyer(node, rig.seller.nodeId, () => lnd.close());
  }

  /** Resolves when the seller's manifests of both versions are here; rejects after `deadlineMs`. */
  async untilProviderKnown(deadlineMs = 10_000): Promise<void> {
    const late = AbortSignal.timeout(deadlineMs);
    const tooLate = new Promise<never>((_resolve, reject) => {
      late.addEventListener('abort', () => reject(new Error(`no manifest of the seller within ${deadlineMs} ms`)));
    });
    const known = ([2, 3] as const).map((version) => this.node.whenProvider(this.#provider, version));
    await Promise.race([Promise.all(known), tooLate]);
  }

  /** Buys an answer and waits for all of it. Rejects with BuyerError. */
  async buy({ body, version = 2, taskKind = chatKind, steps = {} }: Wanted): Promise<Purchased> {
    const { model } = JSON.parse(body) as { model: string };
    const order = { peer: this.#provider, version, taskKind, model, input: Buffer.from(body), maxPriceMsat };
    const bought = await this.node.requester.buy(order, never, steps);
    const [bytes] = await Promise.all([buffer(bought.body), bought.done]);
    const { jobId, priceMsat, contentType } = bought;
    return { jobId, priceMsat, contentType, bytes, sha256: sha256(bytes) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.close();
    await this.#closeNode();
  }
}
