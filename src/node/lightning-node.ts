import { join } from 'node:path';
import type { Logger } from 'pino';
import type { LightningConfig } from '../config/config.ts';
import { readLndCredentials } from '../lightning/lnd/credentials.ts';
import { openLndNode } from '../lightning/lnd/lnd-node.ts';
import { checkSellerMacaroon } from '../lightning/lnd/permissions.ts';
import type { LightningNode } from '../lightning/lightning.ts';

/** A node of the configured kind, with what only a process that shows itself needs to know. */
export interface OpenedNode {
  readonly node: LightningNode;
  readonly driver: 'lnd' | 'embedded';
  /** host:port for peers; empty when lnd listens by itself. */
  readonly address: string;
}

/** Opens the Lightning node; rejects with LightningError that says what to mend, a MacaroonError before lnd is asked anything. */
export async function openLightning(config: LightningConfig, dataDirectory: string, log: Logger): Promise<OpenedNode> {
  const tell = (level: 'info' | 'warn' | 'error', message: string) => log[level]({ part: 'lightning' }, message);
  if (config.driver === 'embedded') {
    // LDK is large, and who has an lnd does not need it.
    const { openEmbeddedNode } = await import('../lightning/embedded/embedded-node.ts');
    const node = await openEmbeddedNode({
      directory: join(dataDirectory, 'embedded'),
      listen: config.embedded.listen,
      log: tell,
    });
    return { node, driver: 'embedded', address: node.address };
  }
  if (config.driver === 'none')
    throw new Error('no Lightning node is configured: add a "lightning" section; see config.example.yaml');
  const credentials = await readLndCredentials(config.lnd);
  const name = `the macaroon ${config.lnd.macaroonPath ?? 'in lightning.lnd.macaroon_hex or LND_MACAROON_HEX'}`;
  const warning = checkSellerMacaroon(credentials.macaroon, name, config.allowAdminMacaroon);
  if (warning !== undefined) tell('warn', warning);
  return { node: await openLndNode({ ...credentials, log: tell }), driver: 'lnd', address: '' };
}
