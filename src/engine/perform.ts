import type { Logger } from 'pino';
import type { Effect } from '../job/effect.ts';
import type { Job } from '../job/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { LightningError } from '../lightning/lightning.ts';
import type { Spool } from '../spool/spool.ts';
import type { PerformEffect } from './effects.ts';
import type { Invoicing } from './invoicing.ts';
import type { Runner } from './runner.ts';
import type { Storefront } from './storefront.ts';

export interface Performers {
  readonly invoicing: Invoicing;
  readonly runner: Runner;
  readonly storefront: Storefront;
  readonly ledger: Ledger;
  readonly spool: Spool;
  readonly log: Logger;
}

/** Who performs which effect. A message to a peer that is away is lost on purpose: the buyer asks again, deliveries resume. */
export function performEffects(parts: Performers): PerformEffect {
  const { invoicing, runner, storefront, ledger, spool, log } = parts;
  const say = (job: Job, what: string, sending: Promise<void>): Promise<void> =>
    sending.catch((error: unknown) => {
      if (!(error instanceof LightningError)) throw error;
      log.info({ job: job.key, code: error.code }, `${what} not sent: the peer is away`);
    });
  const perform: { [K in Effect['kind']]: (job: Job, effect: Extract<Effect, { kind: K }>) => Promise<void> | void } = {
    'create-invoice': (job) => invoicing.create(job),
    'settle-invoice': (job) => invoicing.settle(job),
    'cancel-invoice': (job) => invoicing.cancel(job),
    'send-quote': (job) => say(job, 'quote', storefront.sendQuote(job)),
    'send-error': (job, { code, message }) => say(job, 'error', storefront.sendError(job, code, message)),
    'send-result': (job, { status, message }) => say(job, 'result', storefront.sendResult(job, status, message)),
    'start-run': (job) => runner.start(job),
    'abort-run': (job) => runner.abort(job),
    deliver: (job) => storefront.deliver(job),
    'stop-delivery': (job) => storefront.stopDelivery(job),
    'delete-contents': async (job) => {
      await ledger.deleteInput(job.key);
      await spool.remove(job.key);
    },
    alert: (job, { message }) => log.error({ job: job.key }, message),
  };
  return async (job, effect) => {
    await (perform[effect.kind] as (job: Job, effect: Effect) => Promise<void> | void)(job, effect);
  };
}
