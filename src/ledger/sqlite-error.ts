import { LedgerError } from './ledger.ts';

/** Primary result codes of SQLite; the extended ones carry them in their low byte. */
const CODES = new Map<number, LedgerError['code']>([
  [5, 'locked'], // SQLITE_BUSY
  [6, 'locked'], // SQLITE_LOCKED
  [11, 'corrupt'], // SQLITE_CORRUPT
  [13, 'disk-full'], // SQLITE_FULL
  [26, 'corrupt'], // SQLITE_NOTADB
]);

const HINTS: Record<LedgerError['code'], string> = {
  closed: 'the ledger is closed',
  fenced: 'another process serves this ledger now',
  'disk-full': 'the disk that holds the ledger is full',
  locked: 'another process holds the ledger',
  corrupt: 'the ledger file is damaged, or is no ledger',
  failed: 'the ledger failed',
};

/** Turns whatever SQLite or the file system threw into a LedgerError. `opening`: the file that was to be opened. */
export function ledgerError(error: unknown, opening?: string): LedgerError {
  if (error instanceof LedgerError) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const where = opening === undefined ? '' : ` (${opening})`;
  const question = code === 'locked' && opening !== undefined ? 'is another lcp-provider running on it? ' : '';
  return new LedgerError(code, `${HINTS[code]}${where}: ${question}${message}`, { cause: error });
}

function codeOf(error: unknown): LedgerError['code'] {
  if (!(error instanceof Error)) return 'failed';
  if ('errcode' in error && typeof error.errcode === 'number') return CODES.get(error.errcode & 0xff) ?? 'failed';
  return 'code' in error && error.code === 'ENOSPC' ? 'disk-full' : 'failed';
}
