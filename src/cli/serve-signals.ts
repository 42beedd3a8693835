import type { Logger } from 'pino';
import { EXIT, failWith } from './exit-code.ts';

/** npm and systemd send one to the whole process group, and the program that started this one passes it on too. */
const SAME_SIGNAL_MS = 250;

/** What the signals do, from the moment when something serves. */
export interface ServeActions {
  readonly drain: (limitMs: number) => Promise<void>;
  readonly reload: () => void;
}

/**
 * The first SIGTERM or SIGINT drains, the second ends at once, and so does the first while nothing serves yet. SIGHUP takes the prices anew; on a
 * terminal it drains, as it is sent when the terminal is closed.
 */
export function listenToSignals(log: Logger, limitSeconds: number): (actions: ServeActions) => void {
  let actions: ServeActions | undefined;
  let stoppingSinceMs: number | undefined;
  let isReloadWanted = false;
  const stop = async (signal: string): Promise<void> => {
    if (actions === undefined) process.exit(EXIT.ok);
    if (stoppingSinceMs !== undefined) {
      // Whoever closes a terminal may send several, and asks for no haste.
      if (signal === 'SIGHUP' || performance.now() - stoppingSinceMs < SAME_SIGNAL_MS) return;
      log.warn('stopped at once; paid jobs go on at the next start');
      process.exit(EXIT.failed);
    }
    stoppingSinceMs = performance.now();
    log.info({ signal, limit_seconds: limitSeconds }, 'draining: no new quotes, paid jobs finish');
    await actions.drain(limitSeconds * 1000);
    log.info('stopped');
    process.exit(EXIT.ok);
  };
  const hangUp = (): void => {
    if (process.stdout.isTTY) void stop('SIGHUP').catch(failWith);
    else if (actions === undefined) isReloadWanted = true;
    else actions.reload();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal).catch(failWith));
  process.on('SIGHUP', hangUp);
  return (serving) => {
    actions = serving;
    if (isReloadWanted) serving.reload();
  };
}
