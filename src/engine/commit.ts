import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { Change, Ledger, PendingEffect } from '../ledger/ledger.ts';
import { LedgerError } from '../ledger/ledger.ts';

export interface CommitOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Logger;
  /** The ledger cannot be written any more: the process must end, nothing is lost. */
  readonly onFatal: (error: Error) => void;
}

const RETRY_MS = 1_000;

/** Saves what follows from an event. A full disk or a lock may pass: the event waits. Rejects when the ledger is lost to this process. */
export async function commitPatiently(options: CommitOptions, change: Change): Promise<readonly PendingEffect[]> {
  const { ledger, clock, log, onFatal } = options;
  for (;;) {
    try {
      return await ledger.commit(change);
    } catch (error) {
      const passing = isPassing(error);
      log.error(
        { reason: String(error) },
        passing ? 'the ledger cannot be written now: trying again' : 'the ledger cannot be written',
      );
      if (!passing) {
        onFatal(error as Error);
        throw error;
      }
      await new Promise<void>((resolve) => clock.timer(RETRY_MS, resolve));
    }
  }
}

/** Saves what nobody has been told of yet: whoever asked for it can be refused. Rejects when it could not be saved. */
export async function commitOnce(
  { ledger, onFatal }: CommitOptions,
  change: Change,
): Promise<readonly PendingEffect[]> {
  try {
    return await ledger.commit(change);
  } catch (error) {
    if (error instanceof LedgerError && (error.code === 'fenced' || error.code === 'corrupt')) onFatal(error);
    throw error;
  }
}

/** A full disk or a lock may pass; anything else means that the ledger is lost to this process. */
const isPassing = (error: unknown): boolean =>
  error instanceof LedgerError && (error.code === 'disk-full' || error.code === 'locked');
