import { ConfigError } from '../config/problem.ts';
import { LedgerError } from '../ledger/ledger.ts';
import { LightningError } from '../lightning/lightning.ts';
import { MacaroonError } from '../lightning/lnd/permissions.ts';

/** What a shell script can tell apart. */
export const EXIT = { ok: 0, failed: 1, usage: 2, config: 3, lightning: 4, ledger: 5, backend: 6, refused: 7 } as const;

export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError || error instanceof MacaroonError) return EXIT.config;
  if (error instanceof LightningError) return EXIT.lightning;
  if (error instanceof LedgerError) return EXIT.ledger;
  return EXIT.failed;
}

/** Ends the process with the sentence that the operator needs, and a stack only for what nobody foresaw. */
export function failWith(error: unknown): never {
  const isForeseen = exitCodeOf(error) !== EXIT.failed || !(error instanceof TypeError || error instanceof RangeError);
  const text = error instanceof Error ? (isForeseen ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(exitCodeOf(error));
}
