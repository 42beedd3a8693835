import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import {
  lndCertificate,
  lndCredentialsInEnvironment,
  lndMacaroon,
  lndSocket,
  readLndCredentials,
} from '../../src/lightning/lnd/credentials.ts';

const CERT = `-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUSb4b+r3qra8UWohjA9a08Bh9gq4wCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIbG5kIHRlc3QwIBcNMjYxMTIxMTE0MDU2WhgPMjEyNjEwMjgx
MTQwNTZaMBMxETAPBgNVBAMMCGxuZCB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAESzO1wQMTSR6C28eMMf8oPNWkQgiHaHl9JokUCdnFFGMAfeoWwUtYbZFs
YVxz6c7KENrr9yuAmZEyh5MJgcb2qqNTMFEwHQYDVR0OBBYEFK2w4cnKkOXeQvD5
RZs1xyTfkIEfMB8GA1UdIwQYMBaAFK2w4cnKkOXeQvD5RZs1xyTfkIEfMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgOVB1JBMQcJM74VUHvKu+O+f/
pPa8MRxwsMg9fWfhcUgCIQDfbYPMLTO5IlnCdYBUAPp2mvVNOS5isAyPTWEaCTac
yw==
-----END CERTIFICATE-----
`;
const MACAROON = Buffer.concat([Buffer.from('0201036c6e64', 'hex'), Buffer.alloc(80, 7)]);

const directory = mkdtempSync(join(tmpdir(), 'lnd-credentials-'));
afterAll(() => rmSync(directory, { recursive: true }));
const kept = (name: string, content: string | Buffer): string => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};
const certPath = kept('tls.cert', CERT);
const macaroonPath = kept('admin.macaroon', MACAROON);

describe("lnd's socket", () => {
  it.each([
    ['127.0.0.1:10009', '127.0.0.1:10009'],
    [' umbrel.local:10010 ', 'umbrel.local:10010'],
    ['lnd', 'lnd:10009'],
    ['https://10.0.0.5:10009/', '10.0.0.5:10009'],
    ['[::1]:10009', '[::1]:10009'],
    ['[::1]', '[::1]:10009'],
  ])('"%s" is %s', (text, socket) => {
    expect(lndSocket(text)).toBe(socket);
  });

  it.each(['', 'host:', 'host:0', 'host:70000', 'host:port', 'a b:1', '::1:10009', 'host/path'])(
    '"%s" is refused',
    (text) => {
      expect(() => lndSocket(text)).toThrow(/is not host:port/);
    },
  );
});

describe("lnd's certificate and macaroon", () => {
  it.each([
    ['PEM', CERT],
    ['base64 of PEM', Buffer.from(CERT).toString('base64')],
    ['hex of PEM', Buffer.from(CERT).toString('hex')],
  ])('the certificate is read as %s', (_, text) => {
    expect(lndCertificate(text).toString()).toBe(CERT);
  });

  it.each(['', 'nonsense', CERT.replace('MII', 'AII'), '/home/me/.lnd/tls.cert'])('"%s" is no certificate', (text) => {
    expect(() => lndCertificate(text)).toThrow(/no PEM certificate/);
  });

  it.each([
    ['hex', MACAROON.toString('hex')],
    [
      'upper-case hex over several lines',
      MACAROON.toString('hex')
        .toUpperCase()
        .replaceAll(/(.{40})/g, '$1\n'),
    ],
    ['base64', MACAROON.toString('base64')],
    ['url-safe base64', MACAROON.toString('base64url')],
  ])('the macaroon is read as %s', (_, text) => {
    expect(lndMacaroon(text)).toBe(MACAROON.toString('hex'));
  });

  it.each(['', 'ff'.repeat(90), MACAROON.toString('hex').slice(0, 40), '/root/.lnd/admin.macaroon'])(
    '"%s" is no macaroon, and the error does not quote it',
    (text) => {
      expect(() => lndMacaroon(text)).toThrow(LightningError);
      if (text) expect(() => lndMacaroon(text)).not.toThrow(text);
    },
  );
});

describe('credentials are read from files', () => {
  it('or hex, and come out checked', async () => {
    const macaroon = MACAROON.toString('hex');
    const expected = { socket: 'lnd:10009', cert: CERT, macaroon };
    expect(await readLndCredentials({ socket: 'lnd', certPath, macaroonPath })).toEqual(expected);
    expect(await readLndCredentials({ socket: 'lnd', certPath, macaroonHex: macaroon })).toEqual(expected);
    expect(await readLndCredentials({ socket: 'lnd', macaroonPath })).toEqual({ socket: 'lnd:10009', macaroon });
  });

  it.each([
    [{ certPath }, /needs one macaroon/],
    [{ certPath, macaroonPath, macaroonHex: 'aa' }, /not both/],
    [
      { certPath: join(directory, 'none'), macaroonPath },
      /certificate ".*none" \(tls cert path\): there is no such file/,
    ],
    [{ certPath, macaroonPath: join(directory, 'none') }, /macaroon ".*none" \(macaroon path\): there is no such file/],
    [{ certPath, macaroonPath: directory }, /EISDIR/],
    [{ certPath: macaroonPath, macaroonPath }, /no PEM certificate/],
    [{ certPath, macaroonPath: certPath }, /the macaroon is none/],
  ])('%j is refused', async (source, words) => {
    const reading = readLndCredentials({ socket: 'lnd', ...source });
    await expect(reading).rejects.toThrow(words);
    await expect(reading).rejects.toBeInstanceOf(LightningError);
  });
});

describe('credentials in the environment', () => {
  it.each([
    [{}, {}],
    [
      { LND_GRPC_ENDPOINT: 'lnd:10009', LND_MACAROON_HEX: '02' },
      { socket: 'lnd:10009', macaroonHex: '02' },
    ],
    [
      { LCPD_LND_RPC_ADDR: 'a:1', LCPD_LND_TLS_CERT_PATH: '/t', LCPD_LND_ADMIN_MACAROON_PATH: '/m' },
      { socket: 'a:1', certPath: '/t', macaroonPath: '/m' },
    ],
    [{ LND_GRPC_ENDPOINT: '', LCPD_LND_RPC_ADDR: 'a:1' }, { socket: 'a:1' }],
    [{ LND_GRPC_ENDPOINT: 'ours:1', LCPD_LND_RPC_ADDR: 'theirs:1' }, { socket: 'ours:1' }],
  ])('%j gives %j', (environment, source) => {
    expect(lndCredentialsInEnvironment(environment)).toEqual(source);
  });
});
