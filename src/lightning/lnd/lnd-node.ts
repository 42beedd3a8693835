import { setTimeout as delay } from 'node:timers/promises';
import { getWalletInfo } from 'lightning';
import type { LightningError } from '../lightning.ts';
import { connectionTo } from './connection.ts';
import { lndCertificate, lndMacaroon, lndSocket } from './credentials.ts';
import { GRPC, startFailure } from './lnd-error.ts';
import { LndNode } from './lnd-driver.ts';
import type { LndLog } from './lnd-driver.ts';

export type { LndLog, LndNode };

export interface LndOptions {
  /** host:port of lnd's gRPC. */
  readonly socket: string;
  /** lnd's tls.cert, PEM or base64. Absent: the authorities that the system trusts. */
  readonly cert?: string;
  /** Hex or base64. What it must allow: `LND_SELLER_METHODS`, and for buyers `LND_BUYER_METHODS`. */
  readonly macaroon: string;
  readonly log?: LndLog;
  /** How long to wait until lnd answers, unlocked: 60 s. */
  readonly openTimeoutMs?: number;
}

const OPEN_TIMEOUT_MS = 60_000;
const RETRY_MS = 500;
const tooLate = (): Error => Object.assign(new Error('no answer in time'), { code: GRPC.unavailable });

/**
 * Connects to lnd and waits until it answers. Rejects at once when waiting would not help (certificate, macaroon), otherwise after
 * `openTimeoutMs`, with an error that says what to do. /lnrpc.Lightning/GetInfo (info:read).
 */
export async function openLndNode(options: LndOptions): Promise<LndNode> {
  const socket = lndSocket(options.socket);
  const cert = options.cert === undefined ? undefined : lndCertificate(options.cert);
  const connection = connectionTo(socket, cert, lndMacaroon(options.macaroon));
  const log = options.log ?? (() => undefined);
  const deadline = performance.now() + (options.openTimeoutMs ?? OPEN_TIMEOUT_MS);
  let last: LightningError | undefined;
  for (;;) {
    const stop = new AbortController();
    const late = delay(Math.max(0, deadline - performance.now()), undefined, { signal: stop.signal });
    const answer = await Promise.race([
      getWalletInfo({ lnd: connection.lnd }),
      late.then(() => Promise.reject(tooLate())),
    ]).catch((error: unknown) => startFailure(error, socket));
    stop.abort();
    late.catch(() => undefined);

    if ('public_key' in answer) return new LndNode(connection, answer.public_key, log);
    const { final, error } = answer;
    if (final || performance.now() >= deadline) {
      connection.close();
      throw final ? error : (last ?? error); // what lnd said says more than that it said nothing at the end
    }
    if (error.message !== last?.message) log('warn', `${error.message} (waiting for it)`);
    last = error;
    await delay(Math.min(RETRY_MS, Math.max(0, deadline - performance.now())));
  }
}
