import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import type {
  CreatedInvoice,
  InvoiceState,
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
  /** Lets so much of the chain's time go by that the seller gives held payments back, and no more. */
  outlastHolds(): Promise<void>;
  /** What the buyer can pay with, in msat. */
  buyerFunds(): Promise<bigint>;
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

  /** Resolves with the first news that an invoice is in this state. */
  turned(paymentHash: string, state: InvoiceState['state']): Promise<InvoiceUpdate> {
    return this.until(`${state} of ${paymentHash}`, () =>
      this.invoices.find((update) => update.paymentHash === paymentHash && update.invoice.state === state),
    );
  }

  settled(paymentHash: string): Promise<InvoiceUpdate> {
    return this.until(`settlement of ${paymentHash}`, () =>
      this.invoices.find((update) => update.paymentHash === paymentHash && update.cursor !== undefined),
    );
  }

  /** The states that were told of an invoice, repetitions left out. */
  statesOf(paymentHash: string): string[] {
    const told = this.invoices.filter((update) => update.paymentHash === paymentHash);
    return [...new Set(told.map(({ invoice }) => invoice.state))];
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
    const order = async (amountMsat = 25_000, expiresAtS = nowS() + 600, hold = false): Promise<Ordered> => {
      const preimage = hex32();
      const invoice = { preimage, descriptionHash: hex32(), amountMsat: msat(amountMsat), expiresAtS, hold };
      return { ...(await seller.createInvoice(invoice)), preimage };
    };
    const pay = (invoice: CreatedInvoice) => buyer.pay({ paymentRequest: invoice.paymentRequest, ...PAY });
    /** A hold invoice that the buyer has paid: the payment is held. `outcome` is how the payment ends for the buyer. */
    const held = async (amountMsat = 25_000, expiresAtS = nowS() + 600) => {
      const invoice = await order(amountMsat, expiresAtS, true);
      const unwatch = seller.watchInvoice(invoice.paymentHash);
      const paid = pay(invoice);
      const outcome = codeOf(paid);
      await sellerTold.turned(invoice.paymentHash, 'held');
      return { ...invoice, paid, outcome, unwatch };
    };
    const stateOf = async (invoice: CreatedInvoice) => (await seller.lookUpInvoice(invoice.paymentHash))?.state;
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

    describe('payments that are held', () => {
      it('have an invoice like any other, and the same one for the same preimage', async () => {
        const ordered = {
          preimage: hex32(),
          descriptionHash: hex32(),
          amountMsat: msat(12_345),
          expiresAtS: nowS() + 90,
          hold: true,
        };
        const created = await seller.createInvoice(ordered);
        expect(parsePaymentRequest({ request: created.paymentRequest })).toMatchObject({
          id: hashOf(ordered.preimage),
          destination: seller.nodeId,
          description_hash: ordered.descriptionHash,
          mtokens: '12345',
        });
        expect(await seller.createInvoice(ordered)).toEqual(created);
        expect(await seller.lookUpInvoice(created.paymentHash)).toEqual({ state: 'open' });
      });

      it('are told, wait, and are taken once, however often they are settled', async () => {
        const funds = await rig.buyerFunds();
        const { preimage, paymentHash, paid } = await held(31_000);
        const holding = { state: 'held', receivedMsat: 31_000n };
        expect((await sellerTold.turned(paymentHash, 'held')).invoice).toEqual(holding);
        expect(await seller.lookUpInvoice(paymentHash)).toEqual(holding);
        await Promise.all([seller.settleInvoice(preimage), seller.settleInvoice(preimage)]);
        expect(await seller.lookUpInvoice(paymentHash)).toEqual({ state: 'settled', receivedMsat: 31_000n });
        expect((await paid).preimage).toBe(preimage);
        await sellerTold.settled(paymentHash);
        expect(sellerTold.statesOf(paymentHash)).toEqual(['held', 'settled']);
        await seller.settleInvoice(preimage);
        await eventually('the money has moved', async () => (await rig.buyerFunds()) === funds - 31_000n);
      });

      it('go back when the invoice is cancelled: the payer has failed, and has all its money', async () => {
        const funds = await rig.buyerFunds();
        const { preimage, paymentHash, outcome } = await held(1_700_001);
        await seller.cancelInvoice(paymentHash);
        await seller.cancelInvoice(paymentHash);
        expect(await outcome).toBe('payment-failed');
        expect((await sellerTold.turned(paymentHash, 'cancelled')).invoice).toEqual({ state: 'cancelled' });
        expect(await seller.lookUpInvoice(paymentHash)).toEqual({ state: 'cancelled' });
        expect(await codeOf(seller.settleInvoice(preimage))).toBe('refused');
        await eventually('the money is back', async () => (await rig.buyerFunds()) === funds);
      });

      it('stay taken when the invoice is cancelled too late', async () => {
        const { preimage, paymentHash, paid } = await held();
        await seller.settleInvoice(preimage);
        await seller.cancelInvoice(paymentHash);
        expect(await stateOf({ paymentHash, paymentRequest: '' })).toBe('settled');
        expect((await paid).preimage).toBe(preimage);
      });

      it('are either taken or given back when both is wanted at once, on both sides alike', async () => {
        for (let round = 0; round < 6; round++) {
          const invoice = await held();
          const settle = () => codeOf(seller.settleInvoice(invoice.preimage));
          const cancel = () => codeOf(seller.cancelInvoice(invoice.paymentHash));
          const [one, other] = await Promise.all(round % 2 === 0 ? [settle(), cancel()] : [cancel(), settle()]);
          const [settling, cancelling] = round % 2 === 0 ? [one, other] : [other, one];
          const state = await stateOf(invoice);
          expect([state, settling, cancelling, await invoice.outcome]).toEqual(
            state === 'settled'
              ? ['settled', 'no error', 'no error', 'no error']
              : ['cancelled', 'refused', 'no error', 'payment-failed'],
          );
        }
      });

      it('can be taken after the expiry of their invoice', async () => {
        const { preimage, paymentRequest, paid } = await held(26_000, nowS() + 4);
        const { expires_at } = parsePaymentRequest({ request: paymentRequest });
        await eventually('the invoice has expired', async () => Date.now() > Date.parse(expires_at) + 1000);
        await seller.settleInvoice(preimage);
        expect((await paid).preimage).toBe(preimage);
      });

      it('cannot be taken when there are none', async () => {
        const [open, cancelled, plain] = [await order(25_000, nowS() + 600, true), await order(), await order()];
        expect(await codeOf(seller.settleInvoice(open.preimage))).toBe('refused');
        await seller.cancelInvoice(cancelled.paymentHash);
        expect(await codeOf(seller.settleInvoice(cancelled.preimage))).toBe('refused');
        expect(await codeOf(seller.settleInvoice(hex32()))).toBe('not-found');
        await pay(plain);
        await sellerTold.settled(plain.paymentHash);
        expect(await codeOf(seller.settleInvoice(plain.preimage))).toBe('no error'); // had been taken at once
      });

      it('are told again after a restart of the driver, and can be taken or given back', async () => {
        const [taken, back] = [await held(27_000), await held(28_000)];
        await restart(0n);
        expect(await seller.lookUpInvoice(taken.paymentHash)).toEqual({ state: 'held', receivedMsat: 27_000n });
        for (const { paymentHash } of [taken, back]) seller.watchInvoice(paymentHash);
        await sellerTold.turned(taken.paymentHash, 'held');
        await sellerTold.turned(back.paymentHash, 'held');
        await seller.settleInvoice(taken.preimage);
        await seller.cancelInvoice(back.paymentHash);
        expect((await taken.paid).preimage).toBe(taken.preimage);
        expect(await back.outcome).toBe('payment-failed');
        await sellerTold.turned(back.paymentHash, 'cancelled');
      });

      it('go back by themselves before they endanger the channel, which is told', async () => {
        const funds = await rig.buyerFunds();
        const { preimage, paymentHash, outcome } = await held(29_000);
        await rig.outlastHolds();
        await sellerTold.turned(paymentHash, 'cancelled');
        expect(await outcome).toBe('payment-failed');
        expect(await stateOf({ paymentHash, paymentRequest: '' })).toBe('cancelled');
        expect(await codeOf(seller.settleInvoice(preimage))).toBe('refused');
        await eventually('the money is back', async () => (await rig.buyerFunds()) === funds);
        await pay(await order()); // the channel lives
      });
    });

    describe('an invoice that is watched', () => {
      it('has its present state told at once, unless it is open, whatever it is', async () => {
        const [paid, cancelled, open] = [await order(), await order(), await order()];
        await pay(paid);
        await sellerTold.settled(paid.paymentHash);
        await seller.cancelInvoice(cancelled.paymentHash);
        const holding = await held();
        const from = sellerTold.invoices.length;
        for (const { paymentHash } of [open, paid, cancelled, holding]) seller.watchInvoice(paymentHash);
        await sellerTold.until('three of them', () => sellerTold.invoices.length >= from + 3 || undefined);
        const told = sellerTold.invoices.slice(from);
        expect(new Map(told.map(({ paymentHash, invoice }) => [paymentHash, invoice.state]))).toEqual(
          new Map([
            [paid.paymentHash, 'settled'],
            [cancelled.paymentHash, 'cancelled'],
            [holding.paymentHash, 'held'],
          ]),
        );
        await seller.cancelInvoice(open.paymentHash);
        await sellerTold.turned(open.paymentHash, 'cancelled');
        await seller.cancelInvoice(holding.paymentHash);
      });

      it('is told no more once nobody watches, nor is one that nobody ever watched; its settlement always is', async () => {
        const [unwatched, never] = [await held(), await order()];
        unwatched.unwatch();
        unwatched.unwatch();
        await seller.cancelInvoice(unwatched.paymentHash);
        await seller.cancelInvoice(never.paymentHash);
        expect(await unwatched.outcome).toBe('payment-failed');
        const later = await held();
        later.unwatch();
        await seller.settleInvoice(later.preimage);
        await sellerTold.settled(later.paymentHash);
        expect(sellerTold.statesOf(unwatched.paymentHash)).toEqual(['held']);
        expect(sellerTold.statesOf(never.paymentHash)).toEqual([]);
      });

      it('is watched by the last call only', async () => {
        const { paymentHash, unwatch, preimage } = await held();
        seller.watchInvoice(paymentHash);
        unwatch(); // of the first
        await seller.settleInvoice(preimage);
        await sellerTold.turned(paymentHash, 'settled');
      });

      it('may be watched before the start', async () => {
        const [cancelled, holding] = [await order(), await held()];
        await seller.cancelInvoice(cancelled.paymentHash);
        sellerTold.stop();
        seller = await rig.restartSeller();
        sellerTold = new Told(seller);
        for (const { paymentHash } of [cancelled, holding]) seller.watchInvoice(paymentHash);
        await seller.start(0n);
        await sellerTold.turned(cancelled.paymentHash, 'cancelled');
        await sellerTold.turned(holding.paymentHash, 'held');
        await seller.cancelInvoice(holding.paymentHash);
        await sellerTold.turned(holding.paymentHash, 'cancelled');
        expect(await holding.outcome).toBe('payment-failed');
        await bothOnline();
      });

      it('may be one of 300 at once', async () => {
        const invoices = await Promise.all(Array.from({ length: 300 }, () => order(25_000, nowS() + 600, true)));
        for (const { paymentHash } of invoices) seller.watchInvoice(paymentHash);
        const some = invoices.slice(0, 10);
        const outcomes = some.map((invoice) => codeOf(pay(invoice)));
        for (const { paymentHash, preimage } of some) {
          await sellerTold.turned(paymentHash, 'held');
          await seller.settleInvoice(preimage);
        }
        expect(await Promise.all(outcomes)).toEqual(some.map(() => 'no error'));
        await Promise.all(invoices.slice(10).map(({ paymentHash }) => seller.cancelInvoice(paymentHash)));
        for (const { paymentHash } of invoices.slice(10)) await sellerTold.turned(paymentHash, 'cancelled');
      });
    });

    it('knows the invoices that it made, since a time, over a restart', async () => {
      const sinceS = nowS();
      const [open, paid, holding] = [await order(), await order(), await order(25_000, nowS() + 600, true)];
      await pay(paid);
      await sellerTold.settled(paid.paymentHash);
      await restart(0n);
      const ours = new Map((await seller.ourInvoices(sinceS)).map((one) => [one.paymentHash, one.invoice]));
      expect(ours.get(open.paymentHash)).toEqual({ state: 'open' });
      expect(ours.get(paid.paymentHash)).toEqual({ state: 'settled', receivedMsat: 25_000n });
      expect(ours.get(holding.paymentHash)).toEqual({ state: 'open' });
      expect(await seller.ourInvoices(nowS() + 60)).toEqual([]);
    });

    it('knows with whom it has a usable channel', async () => {
      for (const node of [seller, buyer])
        await eventually('the channel is usable', async () => (await node.channelPeers()).size > 0);
      expect([...(await seller.channelPeers())]).toEqual([buyer.nodeId]);
      expect([...(await buyer.channelPeers())]).toEqual([seller.nodeId]);
      await rig.disconnect();
      await eventually('the channel is not usable', async () => (await seller.channelPeers()).size === 0);
      await rig.reconnect();
      await eventually('it is usable again', async () => (await seller.channelPeers()).has(buyer.nodeId));
      await bothOnline();
      await pay(await order());
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
        expect(await codeOf(seller.settleInvoice(hex32()))).toBe('unavailable');
        expect(await codeOf(seller.ourInvoices(0))).toBe('unavailable');
        expect(() => seller.watchInvoice(hex32())).toThrow(LightningError);
        await seller.close();
      });
    });
  });
}
