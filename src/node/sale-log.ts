import type { Logger } from 'pino';
import type { Job } from '../job/job.ts';

/** One line for each job of which a payment was seen, when its money is booked or given back; nothing of prompt or answer. */
export function saleLog(log: Logger): (before: Job, after: Job) => void {
  const isOver = ({ funding }: Job): boolean => funding === 'closed' || funding === 'refunded';
  return (before, after) => {
    const wasPaid = after.receivedMsat !== undefined || after.heldMsat !== undefined;
    if (!wasPaid || isOver(before) || !isOver(after)) return;
    const { key, work, run, attempts, terms, receivedMsat, chargeMsat } = after;
    log.info(
      {
        job: key,
        model: work.model,
        run,
        attempts,
        price_msat: terms.priceMsat.toString(),
        received_msat: (receivedMsat ?? 0n).toString(),
        charge_msat: (receivedMsat === undefined ? 0n : (chargeMsat ?? 0n)).toString(),
      },
      receivedMsat === undefined ? 'payment given back' : after.funding === 'refunded' ? 'refunded as credit' : 'sold',
    );
  };
}
