import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import { Patience } from '../clock/patience.ts';
import { isInvoiceOpen } from '../job/job.ts';
import type { Job } from '../job/job.ts';
import type { InvoiceState, InvoiceUpdate, LightningNode } from '../lightning/lightning.ts';
import { LightningError } from '../lightning/lightning.ts';
import type { Engine } from './engine.ts';

/** A node that is away is asked for an invoice each second: somebody waits for it. */
const RETRY_MS = 1_000;

/** The engine's dealings with the Lightning node: invoices are made, cancelled and looked up; what the node tells becomes job events. */
export class Invoicing {
  readonly #engine: Engine;
  readonly #node: LightningNode;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(engine: Engine, node: LightningNode, clock: Clock, log: Logger) {
    this.#engine = engine;
    this.#node = node;
    this.#clock = clock;
    this.#log = log;
  }

  /** Listens for settlements, and looks every open invoice up whenever the node answers again. */
  listen(): () => void {
    return this.#node.listen({
      invoice: (update) => this.#background(this.#tell(update)),
      up: () => this.#background(this.lookUpOpenInvoices()),
    });
  }

  async lookUpOpenInvoices(): Promise<void> {
    const open = this.#engine.liveJobs().filter(isInvoiceOpen);
    for (const job of open) {
      if (job.paymentMode === 'hold') this.#watch(job);
      else await this.#lookUp(job);
    }
  }

  /** Effect: makes the invoice whose preimage was saved with the job. */
  async create(job: Job): Promise<void> {
    if (job.funding !== 'invoicing') return; // given up meanwhile, or made before a crash
    const created = await this.#untilAnswered(job, () =>
      this.#node.createInvoice({
        preimage: job.preimage,
        descriptionHash: job.terms.termsHash,
        amountMsat: job.terms.priceMsat,
        expiresAtS: job.terms.quoteExpiryS,
        hold: job.paymentMode === 'hold',
      }),
    );
    if (created === 'too late') return;
    if (created instanceof LightningError) {
      await this.#engine.dispatch(job.key, { kind: 'invoice-refused', reason: created.message });
      return;
    }
    this.#watch(job);
    await this.#engine.dispatch(job.key, { kind: 'invoice-created', paymentRequest: created.paymentRequest });
  }

  /** Effect: takes the held payment, or learns that the node gave it back. */
  async settle(job: Job): Promise<void> {
    const patience = new Patience(this.#clock);
    for (;;) {
      try {
        const taken = await this.#node.settleInvoice(job.preimage).then(
          () => true,
          (error: unknown) => (isFinal(error) ? false : Promise.reject(error as Error)),
        );
        const found = await this.#node.lookUpInvoice(job.paymentHash);
        if (found?.state === 'settled') return await this.#report(job.key, found);
        if (!taken && found?.state !== 'held')
          return void (await this.#engine.dispatch(job.key, { kind: 'invoice-cancelled' }));
      } catch (error) {
        if (patience.isWorthALine)
          this.#log.warn(
            { job: job.key, reason: String(error) },
            'a held payment could not be taken yet: trying again',
          );
      }
      await patience.wait();
    }
  }

  /** Effect: after it nobody can pay any more, or the payment that was faster is told. */
  async cancel(job: Job): Promise<void> {
    const patience = new Patience(this.#clock);
    for (;;) {
      try {
        await this.#node.cancelInvoice(job.paymentHash);
        const found = (await this.#node.lookUpInvoice(job.paymentHash)) ?? { state: 'cancelled' };
        if (found.state === 'cancelled' || found.state === 'settled') return await this.#report(job.key, found);
      } catch (error) {
        if (error instanceof LightningError && error.code === 'not-found') {
          await this.#engine.dispatch(job.key, { kind: 'invoice-cancelled' });
          return;
        }
        if (patience.isWorthALine)
          this.#log.warn(
            { job: job.key, reason: String(error) },
            'an invoice could not be cancelled yet: trying again',
          );
      }
      await patience.wait();
    }
  }

  /** The node's general news tells neither held nor cancelled. */
  #watch(job: Job): void {
    if (job.paymentMode === 'hold') this.#node.watchInvoice(job.paymentHash);
  }

  /** Repeats a call while the node is away; gives up when the quote could not be paid in time any more. */
  async #untilAnswered<T>(job: Job, call: () => Promise<T>): Promise<T | LightningError | 'too late'> {
    const patience = new Patience(this.#clock, RETRY_MS);
    for (;;) {
      if (this.#clock.nowMs() >= job.terms.quoteExpiryS * 1000) return 'too late';
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof LightningError)) throw error;
        const isPassing = error.code === 'unavailable';
        if (!isPassing || patience.isWorthALine)
          this.#log.warn({ job: job.key, code: error.code, reason: error.message }, 'no invoice');
        if (!isPassing) return error;
        await patience.wait();
      }
    }
  }

  async #lookUp(job: Job): Promise<void> {
    try {
      const state = await this.#node.lookUpInvoice(job.paymentHash);
      if (state !== undefined) await this.#report(job.key, state);
    } catch (error) {
      this.#log.warn(
        { job: job.key, reason: String(error) },
        'an invoice could not be looked up; it is looked up again when the node is back',
      );
    }
  }

  async #tell(update: InvoiceUpdate): Promise<void> {
    const key = await this.#engine.keyByPaymentHash(update.paymentHash);
    if (key !== undefined) await this.#report(key, update.invoice, update.cursor);
  }

  async #report(key: string, invoice: InvoiceState, cursor?: bigint): Promise<void> {
    if (invoice.state === 'settled')
      await this.#engine.dispatch(key, { kind: 'payment-settled', receivedMsat: invoice.receivedMsat }, cursor);
    if (invoice.state === 'held')
      await this.#engine.dispatch(key, { kind: 'payment-held', heldMsat: invoice.receivedMsat });
    if (invoice.state === 'cancelled') await this.#engine.dispatch(key, { kind: 'invoice-cancelled' });
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.#log.error({ reason: String(error) }, 'news of an invoice could not be handled'),
    );
  }
}

/** The node answered, and there is nothing to take. */
const isFinal = (error: unknown): boolean =>
  error instanceof LightningError && (error.code === 'refused' || error.code === 'not-found');
