import type { Logger } from 'pino';
import type { OutputBegun, Storefront } from '../../engine/storefront.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Job } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import { errorCode } from '../../protocol/error-code.ts';
import type { ErrorName } from '../../protocol/error-code.ts';
import type { Manifest, Message } from '../../protocol/messages.ts';
import type { Session, SessionRole } from '../../session/session.ts';
import type { Delivery } from './delivery.ts';
import type { Intake } from './intake.ts';

/** The LCP way to reach us: session messages become job events, and what the engine wants said becomes messages. */
export class LcpStorefront implements Storefront, SessionRole {
  readonly #session: Session;
  readonly #engine: Engine;
  readonly #intake: Intake;
  readonly #delivery: Delivery;
  readonly #log: Logger;

  constructor(parts: { session: Session; engine: Engine; intake: Intake; delivery: Delivery; log: Logger }) {
    this.#session = parts.session;
    this.#engine = parts.engine;
    this.#intake = parts.intake;
    this.#delivery = parts.delivery;
    this.#log = parts.log;
  }

  message(peer: NodeId, message: Exclude<Message, Manifest>): boolean {
    return this.#intake.message(peer, message);
  }

  peerOnline(peer: NodeId): void {
    this.#tellJobsOf(peer, 'peer-returned');
  }

  peerOffline(peer: NodeId): void {
    this.#intake.peerOffline(peer);
    this.#delivery.peerOffline(peer);
    this.#tellJobsOf(peer, 'peer-lost');
  }

  async sendQuote(job: Job): Promise<void> {
    const { peer, version, jobId, terms, paymentRequest } = job;
    if (paymentRequest === undefined || job.funding !== 'open') return;
    const { priceMsat, quoteExpiryS, termsHash } = terms;
    const expiryS = BigInt(quoteExpiryS);
    await this.#session.send(peer, {
      kind: 'quote',
      version,
      jobId,
      priceMsat,
      quoteExpiryS: expiryS,
      termsHash,
      paymentRequest,
      expiryS,
    });
  }

  async sendError(job: Job, code: ErrorName, message: string): Promise<void> {
    const { peer, version, jobId } = job;
    await this.#session.send(peer, { kind: 'error', version, jobId, code: errorCode(version, code), message });
  }

  async sendResult(job: Job, status: 'failed' | 'cancelled', message: string): Promise<void> {
    const { peer, version, jobId } = job;
    await this.#session.send(peer, { kind: 'result', version, jobId, status, message });
  }

  beginOutput(job: Job, output: OutputBegun): void {
    this.#delivery.begin(job, output);
  }

  deliver(job: Job): void {
    this.#delivery.deliver(job);
  }

  stopDelivery(job: Job): void {
    this.#delivery.stop(job);
  }

  /** To every job that has something to deliver: its state may be about to change, so the table decides. */
  #tellJobsOf(peer: NodeId, kind: 'peer-lost' | 'peer-returned'): void {
    for (const job of this.#engine.liveJobs()) {
      if (job.peer !== peer || job.delivery === 'none') continue;
      this.#engine
        .dispatch(job.key, { kind })
        .catch((error: unknown) => this.#log.error({ job: job.key, reason: String(error) }, 'peer event lost'));
    }
  }
}
