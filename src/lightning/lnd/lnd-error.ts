import { LightningError } from '../lightning.ts';
import type { LightningErrorCode } from '../lightning.ts';

/** What is behind an error of `lightning` or grpc-js: the gRPC status if there is one, and the words of whoever refused. */
export interface LndFailure {
  readonly grpcCode?: number;
  readonly details: string;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * `lightning` rejects with `[code, name]` or `[code, name, { err }]`; subscriptions emit gRPC errors, such arrays or undefined.
 * Its own code is 503 for nearly everything, so only the gRPC status inside counts.
 */
export function lndFailure(error: unknown): LndFailure {
  if (Array.isArray(error)) {
    const [, name, more] = error as unknown[];
    const inner: unknown = isObject(more) ? more.err : undefined;
    if (isObject(inner)) return lndFailure(inner);
    return { details: typeof name === 'string' ? name : 'no reason given' };
  }
  if (!isObject(error)) return { details: 'the stream ended' };
  const words = [error.details, error.message].find((text) => typeof text === 'string' && text !== '');
  const details = typeof words === 'string' ? words : 'no reason given';
  return typeof error.code === 'number' ? { grpcCode: error.code, details } : { details };
}

/** gRPC status codes. */
export const GRPC = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const byStatus: Readonly<Record<number, LightningErrorCode>> = {
  [GRPC.cancelled]: 'unavailable',
  [GRPC.deadlineExceeded]: 'unavailable',
  [GRPC.unavailable]: 'unavailable',
  [GRPC.notFound]: 'not-found',
  [GRPC.permissionDenied]: 'permission-denied',
  [GRPC.unauthenticated]: 'permission-denied',
};

/** lnd answers most things with status 2 (unknown): its words decide, in this order. */
const byWords: readonly (readonly [RegExp, LightningErrorCode])[] = [
  [/^(LndLocked|FailedToConnectToDaemon)$/, 'unavailable'],
  [/wallet locked|wallet not created|waiting to start|unknown service lnrpc\.Lightning/i, 'unavailable'],
  [
    /(in the process of starting|not yet ready|not active yet|still syncing|StillSyncing|shutting down)/i,
    'unavailable',
  ],
  [/^shutdown$|RST_STREAM|GOAWAY|socket hang up|ECONNRESET|transport is closing|stream ended/i, 'unavailable'],
  [/permission denied|macaroon|verification failed|unmarshal v\d/i, 'permission-denied'],
  [/unable to locate invoice|no existing invoices|payment isn't initiated|no payment found/i, 'not-found'],
];

const PEER_IS_GONE = /\bpeer\b.*(not connected|disconnected|exiting)/i;

/** The port's code for what lnd, grpc-js or `lightning` said. */
export function codeOfFailure({ grpcCode, details }: LndFailure): LightningErrorCode {
  if (PEER_IS_GONE.test(details)) return 'peer-offline'; // with status 5 (not found) in some versions
  const known = grpcCode === undefined ? undefined : byStatus[grpcCode];
  return known ?? byWords.find(([words]) => words.test(details))?.[1] ?? 'refused';
}

/** grpc-js puts the reason, like `connect ECONNREFUSED 127.0.0.1:10009`, between words about itself. */
const withoutFrame = (text: string): string =>
  text
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .replace(/(?: \([\d-]+T[\d:.]+Z\))?\.? *Resolution note: ?.*$/s, '');

/** An error text may quote what it was asked about: invoices and 32-byte values (preimages) do not pass. */
const withoutSecrets = (text: string): string =>
  withoutFrame(text)
    .replaceAll(/\bln(bc|tb|tbs|bcrt|sb)[0-9a-z]{20,}/gi, '(invoice)')
    .replaceAll(/\b[0-9a-f]{64}\b/gi, '(32 bytes)');

/** Turns whatever was thrown into the one error type of the port. No `cause`: the original error is not ours to vouch for in a log. */
export function lightningError(error: unknown, doing: string): LightningError {
  if (error instanceof LightningError) return error;
  const failure = lndFailure(error);
  const code = codeOfFailure(failure);
  const said = withoutSecrets(failure.details);
  const words =
    code === 'unavailable'
      ? `lnd does not answer (${said})`
      : code === 'permission-denied'
        ? `the macaroon does not allow it (${said}): bake one with the methods that this program lists`
        : said;
  return new LightningError(code, `${doing}: ${words}`);
}

/**
 * Why lnd cannot be used at start, in words that tell what to do. `final`: waiting does not help.
 */
export function startFailure(
  error: unknown,
  socket: string,
): { readonly final: boolean; readonly error: LightningError } {
  const failure = lndFailure(error);
  const { grpcCode } = failure;
  const details = withoutSecrets(failure.details);
  const lnd = `lnd at ${socket}`;
  const result = (final: boolean, code: LightningErrorCode, message: string) => ({
    final,
    error: new LightningError(code, message),
  });
  if (grpcCode === GRPC.unavailable && /altname|hostname\/ip|does not match certificate/i.test(details))
    return result(
      true,
      'refused',
      `${lnd} has a TLS certificate for other names (${details}): use a name that it lists, or add tlsextradomain or tlsextraip to lnd.conf, delete tls.cert and restart lnd`,
    );
  if (grpcCode === GRPC.unavailable && /certificate|issuer|self.signed|unable to verify/i.test(details))
    return result(
      true,
      'refused',
      `${lnd} shows a TLS certificate that we don't trust (${details}): give the tls.cert of this very lnd; lnd writes a new one when the old one expires`,
    );
  if (grpcCode === GRPC.unavailable && /wrong version number|EPROTO|packet length|protocol error/i.test(details))
    return result(
      true,
      'refused',
      `${lnd} does not speak TLS (${details}): is this lnd's gRPC port (10009, not REST or P2P)?`,
    );
  if (/wallet not created/i.test(details))
    return result(false, 'unavailable', `${lnd} runs but has no wallet: create one with "lncli create"`);
  if (/wallet locked|LndLocked|unknown service lnrpc\.Lightning/i.test(details))
    return result(
      false,
      'unavailable',
      `${lnd} runs but its wallet is locked: unlock it with "lncli unlock", or set wallet-unlock-password-file in lnd.conf`,
    );
  switch (codeOfFailure(failure)) {
    case 'permission-denied':
      return result(
        true,
        'permission-denied',
        `${lnd} refuses the macaroon (${details}): is it this node's, for this network, not deleted or expired, and does it allow what we need?`,
      );
    case 'unavailable':
      return result(
        false,
        'unavailable',
        `${lnd} does not answer (${details}): is it running, unlocked, and is the socket right?`,
      );
    default:
      return result(false, 'refused', `${lnd} cannot be used: ${details}`);
  }
}
