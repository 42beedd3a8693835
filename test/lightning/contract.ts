import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import type {
  CreatedInvoice,
  InvoiceUpdate,
  LightningListener,
  LightningNode,
  NodeId,
} from '../../src/lightning/lightning.ts';
import { msat } from '../../src/money/msat.ts';

/**
 * Two nodes for the contract: connected, with a usable channel over which the buyer can pay 500,000 sat to 3,900,000 sat.
 * Neither has been started: the contract adds its listeners and then calls `start(0n)` on both. Amounts are 10 sat and up.
 */
export interface ContractRig {
  readonly seller: LightningNode;
  readonly buyer: LightningNode;
  /** Closes the seller and opens it again (not started). The peers find each other again by themselves or by this call. */
  restartSeller(): Promise<LightningNode>;
  /** Breaks the peer connection, so that it stays broken until `reconnect`. */
  disconnect(): Promise<void>;
  /** Resolves at once or later: the contract waits for both ends. */
  reconnect(): Promise<void>;
  close(): Promise<void>;
}

/** What `parsePaymentRequest` of the untyped package `invoices` gives, as far as the contract reads it. */
export interface ParsedPaymentRequest {
  readonly id: string;
  readonly destination: string;
  readonly description_hash?: string;
  readonly mtokens: string;
  readonly created_at: string;
  readonly expires_at: string;
}

/** Decodes BOLT 11 with code that shares nothing with either driver. */
export const { parsePaymentRequest } = createRequire(import.meta.url)('invoices') as {
  readonly parsePaymentRequest: (args: { request: string }) => ParsedPaymentRequest;
};

interface ToldMessage {
  readonly peer: NodeId;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Keeps what a node told, and waits for more with a deadline. */
export class Told {
  readonly messages: ToldMessage[] = [];
  readonly invoices: InvoiceUpdate[] = [];
  /** 'up', 'down', 'online <peer>', 'offline <peer>', in the order told. */
  readonly states: string[] = [];
  readonly stop: () => void;
  readonly #waiting = new Set<() => void>();

  constructor(node: LightningNode) {
    const told =
      <A extends unknown[]>(keep: (...args: A) => void) =>
      (...args: A) => {
        keep(...args);
        for (const check of this.#waiting) check();
      };
    const listener: Required<LightningListener> = {
      message: told((peer, type, payload) => this.messages.push({ peer, type, payload })),
      invoice: told((update) => this.invoices.push(update)),
      peerOnline: told((peer) => this.states.push(`online ${peer}`)),
      peerOffline: told((peer) => this.states.push(`offline ${peer}`)),
      up: told(() => this.states.push('up')),
      down: told(() => this.states.push('down')),
    };
    this.stop = node.listen(listener);
  }

  /** Resolves with the first defined answer of `question`, asked again whenever the node told something. */
  until<T>(what: string, question: () => T | undefined, deadlineMs = 20_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const answer = question();
        if (answer === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(answer);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`not told within ${deadlineMs} ms: ${what}`));
      }, deadlineMs);
      this.#waiting.add(check);
      check();
    });
  }

  message(what: string, wanted: (message: ToldMessage) => boolean): Promise<ToldMessage> {
    return this.until(what, () => this.messages.find(wanted));
  }

  settled(paymentHash: string): Promise<InvoiceUpdate> {
    return this.until(`settlement of ${paymentHash}`, () =>
      this.invoices.find((update) => update.paymentHash === paymentHash && update.invoice.state === 'settled'),
    );
  }
}

/** Asks until `answer` is true; fails at the deadline. */
export async function eventually(what: string, answer: () => Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await answer())) {
    if (performance.now() > deadline) throw new Error(`not so within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The code of the LightningError that `promise` rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof LightningError) return error.code;
    throw new Error('rejected with something that is no LightningError', { cause: error });
  }
  return 'no error';
}

export const hashOf = (preimage: string): string =>
  createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');

/** The generator of secp256k1: a valid node id that nobody has. */
const STRANGER = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
const TYPE = 42_081;
const PAY = { maxFeeMsat: msat(10_000), timeoutMs: 20_000 };
const hex32 = (): string => randomBytes(32).toString('hex');
const nowS = (): number => Math.floor(Date.now() / 1000);

/** The promises of the port `LightningNode`, as one suite for every driver. */
export function lightningContract(name: string, open: () => Promise<ContractRig>): void {
  describe(`${name} keeps the promises of LightningNode`, { timeout: 60_000 }, () => {
    let rig: ContractRig;
    let seller: LightningNode;
    let buyer: LightningNode;
    let sellerTold: Told;
    let buyerTold: Told;

    interface Ordered extends CreatedInvoice {
      readonly preimage: string;
    }
    const order = async (amountMsat = 25_000, expiresAtS = nowS() + 600): Promise<Ordered> => {
      const preimage = hex32();
      const invoice = { preimage, descriptionHash: hex32(), amountMsat: msat(amountMsat), expiresAtS, hold: false };
      return { ...(await seller.createInvoice(invoice)), preimage };
    };
    const pay = (invoice: CreatedInvoice) => buyer.pay({ paymentRequest: invoice.paymentRequest, ...PAY });
    const bothOnline = () =>
      eventually('both peers are on line', async () => {
        const [sellers, buyers] = await Promise.all([seller.peers(), buyer.peers()]);
        return sellers.includes(buyer.nodeId) && buyers.includes(seller.nodeId);
      });
    const restart = async (cursor: bigint): Promise<void> => {
      sellerTold.stop();
      seller = await rig.restartSeller();
      sellerTold = new Told(seller);
      await seller.start(cursor);
      await bothOnline();
    };

    beforeAll(async () => {
      rig = await open();
      ({ seller, buyer } = rig);
      sellerTold = new Told(seller);
      buyerTold = new Told(buyer);
      await Promise.all([seller.start(0n), buyer.start(0n)]);
    }, 120_000);

    afterAll(async () => {
      await rig?.close();
    }, 30_000);

    it('tells up, and the peers that are on line already, once started', async () => {
      expect(seller.nodeId).toMatch(/^0[23][0-9a-f]{64}$/);
      await sellerTold.until('up', () => sellerTold.states.includes('up') || undefined);
      await sellerTold.until('buyer on line', () => sellerTold.states.includes(`online ${buyer.nodeId}`) || undefined);
      await buyerTold.until('seller on line', () => buyerTold.states.includes(`online ${seller.nodeId}`) || undefined);
      expect(await seller.peers()).toContain(buyer.nodeId);
    });

    describe('custom messages', () => {
      it.each([0, 1, 60_000])('arrive whole, with their type and sender: %i bytes, there and back', async (bytes) => {
        const payload = randomBytes(bytes);
        const type = 32_769 + bytes * 2 > 65_535 ? 65_535 : 32_769 + bytes * 2;
        await buyer.sendMessage(seller.nodeId, type, payload);
        const there = await sellerTold.message('the message', (told) => told.type === type);
        expect(there.peer).toBe(buyer.nodeId);
        expect(payload.equals(there.payload)).toBe(true);
        await seller.sendMessage(buyer.nodeId, type, there.payload);
        const back = await buyerTold.message('the answer', (told) => told.type === type);
        expect(back.peer).toBe(seller.nodeId);
        expect(payload.equals(back.payload)).toBe(true);
      });

      it('arrive in order, 500 in a row', async () => {
        const from = sellerTold.messages.length;
        for (let index = 0; index < 500; index++) {
          const payload = Buffer.alloc(1 + (index % 7) * 300, index % 251);
          await buyer.sendMessage(seller.nodeId, TYPE, payload);
        }
        await sellerTold.until('500 messages', () => sellerTold.messages.length >= from + 500 || undefined);
        const told = sellerTold.messages.slice(from);
        expect(told.map(({ type, payload }) => [type, payload.length, payload[0]])).toEqual(
          Array.from({ length: 500 }, (_, index) => [TYPE, 1 + (index % 7) * 300, index % 251]),
        );
      });

      it('keep their bytes after the caller has used its buffer again', async () => {
        const payload = Buffer.alloc(1000, 1);
        await buyer.sendMessage(seller.nodeId, 42_083, payload);
        payload.fill(2);
        const told = await sellerTold.message('the message', ({ type }) => type === 42_083);
        expect(told.payload.every((byte) => byte === 1)).toBe(true);
      });

      it('are refused when they are larger than the driver sends', async () => {
        expect(buyer.maxMessageBytes).toBeGreaterThanOrEqual(60_000);
        const payload = Buffer.alloc(buyer.maxMessageBytes + 1);
        expect(await codeOf(buyer.sendMessage(seller.nodeId, TYPE, payload))).toBe('refused');
      });

      it('to a peer that is off line reject with peer-offline', async () => {
        expect(await codeOf(buyer.sendMessage(STRANGER, TYPE, Buffer.from('hello')))).toBe('peer-offline');
      });
    });

    describe('invoices', () => {
      it('say what was ordered: payee, amount, description hash, hash of our preimage, expiry', async () => {
        const ordered = {
          preimage: hex32(),
          descriptionHash: hex32(),
          amountMsat: msat(12_345),
          expiresAtS: nowS() + 90,
          hold: false,
        };
        const { paymentRequest, paymentHash } = await seller.createInvoice(ordered);
        const parsed = parsePaymentRequest({ request: paymentRequest });
        expect(paymentHash).toBe(hashOf(ordered.preimage));
        expect(parsed).toMatchObject({
          id: paymentHash,
          destination: seller.nodeId,
          description_hash: ordered.descriptionHash,
          mtokens: '12345',
        });
        const expiresAtS = Date.parse(parsed.expires_at) / 1000;
        expect(expiresAtS).toBeLessThanOrEqual(ordered.expiresAtS);
        expect(expiresAtS).toBeGreaterThan(ordered.expiresAtS - 10);
      });

      it('are open until paid, and unknown hashes are undefined', async () => {
        const { paymentHash } = await order();
        expect(await seller.lookUpInvoice(paymentHash)).toEqual({ state: 'open' });
        expect(await seller.lookUpInvoice(hex32())).toBeUndefined();
      });

      it('of the same preimage are the same invoice, also when paid', async () => {
        const ordered = {
          preimage: hex32(),
          descriptionHash: hex32(),
          amountMsat: msat(20_000),
          expiresAtS: nowS() + 600,
          hold: false,
        };
        const first = await seller.createInvoice(ordered);
        expect(await seller.createInvoice(ordered)).toEqual(first);
        const atOnce = { ...ordered, preimage: hex32() };
        const [one, other] = await Promise.all([seller.createInvoice(atOnce), seller.createInvoice(atOnce)]);
        expect(other).toEqual(one);
        await pay(first);
        expect(await seller.createInvoice(ordered)).toEqual(first);
      });

      it('are settled by a payment, which is told with amount and a rising cursor', async () => {
        const [first, second] = [await order(30_000), await order(40_000)];
        for (const { preimage, ...invoice } of [first, second]) {
          const paid = await pay(invoice);
          expect(paid.preimage).toBe(preimage);
          expect(paid.feeMsat).toBe(0n); // one hop
        }
        const told = [await sellerTold.settled(first.paymentHash), await sellerTold.settled(second.paymentHash)];
        expect(told.map(({ invoice }) => invoice)).toEqual([
          { state: 'settled', receivedMsat: 30_000n },
          { state: 'settled', receivedMsat: 40_000n },
        ]);
        expect(told[0]!.cursor).toBeGreaterThan(0n);
        expect(told[1]!.cursor).toBeGreaterThan(told[0]!.cursor!);
        expect(await seller.lookUpInvoice(first.paymentHash)).toEqual({ state: 'settled', receivedMsat: 30_000n });
      });

      it('that are cancelled cannot be paid, and cancelling twice is fine', async () => {
        const invoice = await order();
        await seller.cancelInvoice(invoice.paymentHash);
        await seller.cancelInvoice(invoice.paymentHash);
        expect(await seller.lookUpInvoice(invoice.paymentHash)).toEqual({ state: 'cancelled' });
        expect(await codeOf(pay(invoice))).toBe('payment-failed');
        expect(await seller.lookUpInvoice(invoice.paymentHash)).toEqual({ state: 'cancelled' });
      });

      it('that are settled stay settled when cancelled', async () => {
        const invoice = await order(21_000);
        await pay(invoice);
        await sellerTold.settled(invoice.paymentHash);
        await seller.cancelInvoice(invoice.paymentHash);
        expect(await seller.lookUpInvoice(invoice.paymentHash)).toEqual({ state: 'settled', receivedMsat: 21_000n });
      });

      it('cancelled while a payment is on its way are either paid or cancelled, on both sides alike', async () => {
        for (let round = 0; round < 5; round++) {
          const invoice = await order();
          const paying = codeOf(pay(invoice));
          await new Promise<void>((resolve) => setImmediate(resolve));
          await seller.cancelInvoice(invoice.paymentHash);
          const after = await seller.lookUpInvoice(invoice.paymentHash);
          expect(['settled', 'cancelled']).toContain(after?.state);
          expect(await paying).toBe(after?.state === 'settled' ? 'no error' : 'payment-failed');
        }
      });

      it('that nobody made cannot be cancelled', async () => {
        expect(await codeOf(seller.cancelInvoice(hex32()))).toBe('not-found');
      });

      it('that have expired cannot be paid', async () => {
        const invoice = await order(25_000, nowS() + 2);
        const { expires_at } = parsePaymentRequest({ request: invoice.paymentRequest });
        await eventually('the invoice has expired', async () => Date.now() > Date.parse(expires_at) + 1000);
        expect(['payment-failed', 'refused']).toContain(await codeOf(pay(invoice)));
        expect((await seller.lookUpInvoice(invoice.paymentHash))?.state).not.toBe('settled');
      });
    });

    describe('payments', () => {
      it('of the same invoice pay once, at the same time and later', async () => {
        const invoice = await order(33_000);
        const [one, other] = await Promise.all([pay(invoice), pay(invoice)]);
        const later = await pay(invoice);
        expect([one!.preimage, other!.preimage, later.preimage]).toEqual(Array(3).fill(invoice.preimage));
        await sellerTold.settled(invoice.paymentHash);
        expect(await seller.lookUpInvoice(invoice.paymentHash)).toEqual({ state: 'settled', receivedMsat: 33_000n });
        expect(sellerTold.invoices.filter(({ paymentHash }) => paymentHash === invoice.paymentHash)).toHaveLength(1);
      });

      it('that exceed what the channel holds fail', async () => {
        const invoice = await order(4_000_000_000);
        const paying = buyer.pay({ paymentRequest: invoice.paymentRequest, ...PAY, timeoutMs: 3000 });
        expect(await codeOf(paying)).toBe('payment-failed');
        expect(await seller.lookUpInvoice(invoice.paymentHash)).toEqual({ state: 'open' });
      });

      it('of something that is no invoice are refused', async () => {
        expect(await codeOf(buyer.pay({ paymentRequest: 'lnbcrt1nonsense', ...PAY }))).toBe('refused');
      });

      it('all settle when 20 are made at once', async () => {
        const invoices = await Promise.all(Array.from({ length: 20 }, (_, index) => order(10_000 + index)));
        const paid = await Promise.all(invoices.map(pay));
        expect(paid.map(({ preimage }) => preimage)).toEqual(invoices.map(({ preimage }) => preimage));
        const told = await Promise.all(invoices.map(({ paymentHash }) => sellerTold.settled(paymentHash)));
        expect(new Set(told.map(({ cursor }) => cursor)).size).toBe(20);
      });
    });

    describe('outages', () => {
      it('of the connection are told, and so is the return', async () => {
        const [sellerFrom, buyerFrom] = [sellerTold.states.length, buyerTold.states.length];
        await rig.disconnect();
        await sellerTold.until(
          'off line',
          () => sellerTold.states.indexOf(`offline ${buyer.nodeId}`, sellerFrom) >= 0 || undefined,
        );
        await buyerTold.until(
          'off line',
          () => buyerTold.states.indexOf(`offline ${seller.nodeId}`, buyerFrom) >= 0 || undefined,
        );
        expect(await buyer.peers()).not.toContain(seller.nodeId);
        expect(await codeOf(seller.sendMessage(buyer.nodeId, TYPE, Buffer.from('?')))).toBe('peer-offline');
        await rig.reconnect();
        await sellerTold.until(
          'on line',
          () => sellerTold.states.indexOf(`online ${buyer.nodeId}`, sellerFrom) >= 0 || undefined,
        );
        await buyerTold.until(
          'on line',
          () => buyerTold.states.indexOf(`online ${seller.nodeId}`, buyerFrom) >= 0 || undefined,
        );
        await pay(await order());
      });

      it('hide no settlement: start tells what came after the cursor, and that only', async () => {
        const known = await order();
        await pay(known);
        const { cursor } = await sellerTold.settled(known.paymentHash);
        sellerTold.stop();
        const missed = await order(44_000);
        await pay(missed);
        await restart(cursor!);
        const told = await sellerTold.settled(missed.paymentHash);
        expect(told.invoice).toEqual({ state: 'settled', receivedMsat: 44_000n });
        expect(told.cursor).toBeGreaterThan(cursor!);

        await restart(told.cursor!);
        const fresh = await order();
        await pay(fresh);
        await sellerTold.settled(fresh.paymentHash);
        expect(sellerTold.invoices.map(({ paymentHash }) => paymentHash)).toEqual([fresh.paymentHash]);
      });

      it('of the seller lose nothing: its invoices are known and can be paid, and the channel works', async () => {
        const [open, paid, cancelled] = [await order(), await order(), await order()];
        await pay(paid);
        await sellerTold.settled(paid.paymentHash);
        await seller.cancelInvoice(cancelled.paymentHash);
        const { nodeId } = seller;
        await restart(0n);
        expect(seller.nodeId).toBe(nodeId);
        expect(await seller.lookUpInvoice(open.paymentHash)).toEqual({ state: 'open' });
        expect(await seller.lookUpInvoice(paid.paymentHash)).toMatchObject({ state: 'settled' });
        expect(await seller.lookUpInvoice(cancelled.paymentHash)).toEqual({ state: 'cancelled' });
        await pay(open);
        await sellerTold.settled(open.paymentHash);
        await seller.sendMessage(buyer.nodeId, 42_085, Buffer.from('again'));
        await buyerTold.message('the message', ({ type }) => type === 42_085);
      });

      it('that we make ourselves end every call with unavailable', async () => {
        await seller.close();
        expect(await codeOf(seller.sendMessage(buyer.nodeId, TYPE, Buffer.alloc(1)))).toBe('unavailable');
        expect(await codeOf(seller.peers())).toBe('unavailable');
        await seller.close();
      });
    });
  });
}
