import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LightningError } from '../lightning.ts';

/** Where the credentials are. The macaroon as a path or as hex. */
export interface LndCredentialSource {
  /** host:port of lnd's gRPC; port 10009 when absent. */
  readonly socket: string;
  /** Absent: lnd's certificate is signed by an authority that the system trusts. */
  readonly certPath?: string;
  readonly macaroonPath?: string;
  readonly macaroonHex?: string;
}

export interface LndCredentials {
  readonly socket: string;
  /** PEM. */
  readonly cert?: string;
  /** Hex. */
  readonly macaroon: string;
}

const refuse = (message: string): LightningError => new LightningError('refused', message);

/** "host:port" as grpc-js wants it, from what people write: a URL, a host alone, IPv6 in brackets. */
export function lndSocket(text: string): string {
  const bare = text
    .trim()
    .replace(/^(https?|grpc):\/\//i, '')
    .replace(/\/+$/, '');
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?$/i.exec(bare);
  const port = Number(match?.[2] ?? 10_009);
  if (!match || port < 1 || port > 65_535)
    throw refuse(`lnd's socket "${text}" is not host:port, like 127.0.0.1:10009`);
  return `${match[1]}:${port}`;
}

/** A TLS certificate as PEM, base64 of PEM, or hex of PEM (what other programs call "cert"), checked. */
export function lndCertificate(text: string): Buffer {
  const compact = text.replaceAll(/\s+/g, '');
  const pem = text.includes('-----BEGIN')
    ? Buffer.from(text)
    : Buffer.from(compact, /^([0-9a-f]{2})+$/i.test(compact) ? 'hex' : 'base64');
  try {
    void new X509Certificate(pem);
  } catch {
    throw refuse("lnd's certificate is no PEM certificate: give the contents of its tls.cert");
  }
  return pem;
}

/** A macaroon as hex, from hex or base64 (also url-safe), checked to be one: version 2, location first. */
export function lndMacaroon(text: string): string {
  const compact = text.replaceAll(/\s+/g, '');
  const bytes = Buffer.from(compact, /^([0-9a-f]{2})+$/i.test(compact) ? 'hex' : 'base64');
  if (bytes.length < 40 || bytes[0] !== 2)
    throw refuse('the macaroon is none: give the whole file that lnd wrote, as hex or base64 (xxd -p -c 9999 FILE)');
  return bytes.toString('hex');
}

async function file(what: string, option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const advice =
      code === 'EACCES'
        ? 'this user may not read it: copy it or widen its group rights'
        : code === 'ENOENT'
          ? `there is no such file: is lnd on this machine, and is its data directory mounted here?${adviceFor(path)}`
          : code;
    throw refuse(`lnd's ${what} "${path}" (${option}): ${advice}`);
  }
}

/** Who is baking lacks lnd's own macaroon, anybody else the baked one. */
function adviceFor(path: string): string {
  if (!path.endsWith('.macaroon')) return '';
  return path.endsWith('admin.macaroon')
    ? ' `lcp-provider macaroon bake --admin-macaroon FILE` takes one from another place; where lnd is out of reach, `lcp-provider macaroon permissions` prints the command for lncli.'
    : ' `lcp-provider macaroon bake` makes one.';
}

/** Reads and checks the credentials; nothing is sent anywhere. Rejects with a LightningError that says what to mend. */
export async function readLndCredentials(source: LndCredentialSource): Promise<LndCredentials> {
  const socket = lndSocket(source.socket);
  if ((source.macaroonPath === undefined) === (source.macaroonHex === undefined))
    throw refuse('lnd needs one macaroon: give its path or its hex, not both');
  const macaroon =
    source.macaroonHex ?? (await file('macaroon', 'macaroon path', source.macaroonPath ?? '')).toString('hex');
  const cert = source.certPath && (await file('certificate', 'tls cert path', source.certPath)).toString('utf8');
  return {
    socket,
    macaroon: lndMacaroon(macaroon),
    ...(cert && { cert: lndCertificate(cert).toString('utf8') }),
  };
}

/** The names under which each setting is found; the first that is set counts. `LCPD_…` are go-lcpd's. */
const NAMES = {
  socket: ['LND_GRPC_ENDPOINT', 'LCPD_LND_RPC_ADDR', 'LND_SOCKET'],
  certPath: ['LND_TLS_CERT_PATH', 'LCPD_LND_TLS_CERT_PATH'],
  macaroonPath: ['LND_MACAROON_PATH', 'LCPD_LND_ADMIN_MACAROON_PATH', 'LCPD_LND_MACAROON_PATH'],
  macaroonHex: ['LND_MACAROON_HEX'],
} as const satisfies Record<keyof LndCredentialSource, readonly string[]>;

/** What the environment says about lnd; empty values count as absent. */
export function lndCredentialsInEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Partial<LndCredentialSource> {
  const found = Object.entries(NAMES).flatMap(([key, names]) => {
    const value = names.map((name) => environment[name]).find((text) => text !== undefined && text !== '');
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(found);
}
