import { resolve } from 'node:path';
import { lndCredentialsInEnvironment } from '../lightning/lnd/credentials.ts';
import type { LndCredentialSource } from '../lightning/lnd/credentials.ts';
import type { LightningConfig } from './config.ts';
import type { Environment } from './expansion.ts';
import { parseListen } from './fields.ts';
import { EMBEDDED_LISTEN } from './lightning-schema.ts';
import { pathFrom } from './path-from.ts';
import type { WrittenConfig } from './schema.ts';

const LOCAL_LND = '127.0.0.1:10009';

type Written = NonNullable<WrittenConfig['lightning']>;

/** What the environment says about lnd. Paths there are relative to where the program was started. */
function inEnvironment(env: Environment): Partial<LndCredentialSource> {
  const trimmed = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value?.trim()]));
  return lndCredentialsInEnvironment(trimmed);
}

/** The driver that is meant: the one that is named, else the one that is described. Undefined when nothing is. */
export function lightningDriver(written: Written | undefined, env: Environment): 'lnd' | 'embedded' | undefined {
  if (written?.driver) return written.driver;
  if (written?.lnd) return 'lnd';
  if (written?.embedded) return 'embedded';
  return inEnvironment(env).socket === undefined ? undefined : 'lnd';
}

/** How to reach lnd: from the file, and where it is silent, from the environment. The macaroon comes from one of them. */
export function lndSource(written: Written | undefined, env: Environment, directory: string): LndCredentialSource {
  const lnd = written?.lnd;
  const found = inEnvironment(env);
  const socket = lnd?.socket ?? found.socket ?? LOCAL_LND;
  const certPath =
    lnd?.cert_path === undefined ? found.certPath && resolve(found.certPath) : pathFrom(directory, lnd.cert_path);
  const here = lnd?.macaroon_path !== undefined || lnd?.macaroon_hex !== undefined;
  const macaroonPath = here
    ? lnd?.macaroon_path && pathFrom(directory, lnd.macaroon_path)
    : found.macaroonPath && pathFrom(process.cwd(), found.macaroonPath);
  const macaroonHex = here ? lnd?.macaroon_hex?.trim() : macaroonPath ? undefined : found.macaroonHex;
  return {
    socket,
    ...(certPath && { certPath }),
    ...(macaroonPath && { macaroonPath }),
    ...(macaroonHex && { macaroonHex }),
  };
}

/** The Lightning node; the rules have made sure that nothing is missing where it is needed. */
export function lightningSettings(written: WrittenConfig, env: Environment, directory: string): LightningConfig {
  const driver = lightningDriver(written.lightning, env);
  if (driver === 'embedded') {
    const listen = parseListen(written.lightning?.embedded?.listen ?? EMBEDDED_LISTEN);
    return { driver, embedded: { listen: listen! } };
  }
  if (driver !== 'lnd') return { driver: 'none' };
  const allowAdminMacaroon = written.lightning?.lnd?.allow_admin_macaroon ?? false;
  return { driver, lnd: lndSource(written.lightning, env, directory), allowAdminMacaroon };
}
