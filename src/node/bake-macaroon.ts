import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { readLndCredentials } from '../lightning/lnd/credentials.ts';
import type { LndCredentialSource } from '../lightning/lnd/credentials.ts';
import { LND_SELLER_METHODS, methodPermission } from '../lightning/lnd/methods.ts';

export interface BakeOrder {
  /** lnd, with a macaroon that may bake. */
  readonly lnd: LndCredentialSource;
  /** The file to write. */
  readonly out: string;
  /** Replace `out` when it is there. */
  readonly force: boolean;
}

/** What a seller's macaroon allows, as arguments of `lncli bakemacaroon`. */
export const SELLER_PERMISSIONS: readonly string[] = LND_SELLER_METHODS.map(methodPermission);

/** Bakes a macaroon that can sell and nothing else into a file that its owner alone can read. Rejects when the file is there. */
export async function bakeSellerMacaroon({ lnd, out, force }: BakeOrder): Promise<void> {
  if (existsSync(out) && !force)
    throw new Error(`${out} is there already: --force replaces it, --out names another file`);
  const credentials = await readLndCredentials(lnd);
  const { bakeMacaroon } = await import('../lightning/lnd/bake.ts'); // lnd's client takes a second to load
  const macaroon = await bakeMacaroon(credentials, LND_SELLER_METHODS);
  // Beside it, then renamed: a file that is replaced keeps its rights, and a crash would leave half of it.
  const fresh = force ? `${out}.${process.pid}.new` : out;
  try {
    await writeFile(fresh, macaroon, { mode: 0o600, flag: 'wx' });
    if (force) await rename(fresh, out);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new Error(`${out} cannot be written (${code}): --out names another file`, { cause: error });
  }
}
