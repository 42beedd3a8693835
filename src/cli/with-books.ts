import { Option } from 'commander';
import { loadDataDirectory } from '../config/load.ts';
import type { Books } from '../ledger/books.ts';
import { readBooks } from '../ledger/sqlite-books.ts';
import { ledgerPath } from '../node/data-directory.ts';

/** The option that names the configuration, as `serve` has it. */
export const configOption = (): Option =>
  new Option('-c, --config <file>', 'configuration file').default('config.yaml');

/** The ledger file of a configuration. Throws ConfigError. */
export const ledgerOf = (configFile: string): string => ledgerPath(loadDataDirectory(configFile, process.env));

/** Reads the books of a configuration, while it serves or not. Rejects with ConfigError, LedgerError. */
export async function withBooks<Value>(configFile: string, use: (books: Books) => Promise<Value>): Promise<Value> {
  return readBooks(ledgerOf(configFile), use);
}

/** The one buyer whose id begins so. Rejects when there is none, or more. */
export async function peerNamed(books: Books, prefix: string): Promise<string> {
  const [peer, other] = await books.peersNamed(prefix, 2);
  if (peer === undefined) throw new Error(`no buyer's id begins with ${prefix}; lcp-provider credits --all lists them`);
  if (other !== undefined) throw new Error(`more than one buyer's id begins with ${prefix}: give more of it`);
  return peer;
}
