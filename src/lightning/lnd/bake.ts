import { grantAccess } from 'lightning';
import { LightningError } from '../lightning.ts';
import { connectionTo } from './connection.ts';
import type { LndCredentials } from './credentials.ts';
import { codeOfFailure, lndFailure, startFailure } from './lnd-error.ts';
import { methodPermission } from './methods.ts';

/**
 * Asks lnd for a macaroon that allows these methods and nothing else, as bytes. The macaroon of `credentials` must allow baking, as
 * lnd's admin.macaroon does. Rejects with LightningError. /lnrpc.Lightning/BakeMacaroon (macaroon:generate).
 */
export async function bakeMacaroon(
  { socket, cert, macaroon }: LndCredentials,
  methods: readonly string[],
): Promise<Buffer> {
  const connection = connectionTo(socket, cert === undefined ? undefined : Buffer.from(cert), macaroon);
  try {
    const baked = await grantAccess({ lnd: connection.lnd, permissions: methods.map(methodPermission) });
    return Buffer.from(baked.macaroon, 'base64');
  } catch (error) {
    if (codeOfFailure(lndFailure(error)) === 'permission-denied')
      throw new LightningError(
        'permission-denied',
        `lnd at ${socket} bakes nothing for this macaroon: give the admin.macaroon of this very node`,
      );
    throw startFailure(error, socket).error;
  } finally {
    connection.close();
  }
}
