import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { grantAccess, openChannel, sendToChainAddress } from 'lightning';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo, call } from '../../src/lightning/lnd/connection.ts';
import type { Connection } from '../../src/lightning/lnd/connection.ts';
import { openLndNode } from '../../src/lightning/lnd/lnd-node.ts';
import { LND_SELLER_METHODS, LND_SELLER_ROLES } from '../../src/lightning/lnd/methods.ts';
import { macaroonPermissions } from '../../src/lightning/lnd/macaroon.ts';
import { msat } from '../../src/money/msat.ts';
import { codeOf } from '../lightning/contract.ts';
import { removeDirectory, temporaryDirectory } from './guard.ts';
import { RigBuyer, streamedChat } from './rig-buyer.ts';
import { SellerProcess } from './seller-process.ts';
import { sharedRig } from './shared-rig.ts';
import { startStandIn } from './stand-in-backend.ts';
import type { StandIn } from './stand-in-backend.ts';
import { fast } from './stand-in-scripts.ts';

const rig = sharedRig();
const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const directory = temporaryDirectory('lcp-macaroon-');
const file = join(directory, 'lcp-provider.macaroon');
const hexOf = (path: string): string => readFileSync(path).toString('hex');
let standIn: StandIn;

type Ended = { code: number; said: string };
const bake = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const { grpcSocket, certPath, macaroonPath } = rig.seller;
    const where = ['--socket', grpcSocket, '--cert', certPath, '--admin-macaroon', macaroonPath, '--out', file];
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory };
    const command = [program, 'macaroon', 'bake', ...where, ...args];
    execFile(process.execPath, command, { cwd: directory, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr }),
    );
  });

const starting = (macaroon: string, lndConfig = {}): Promise<SellerProcess> =>
  SellerProcess.start({
    lnd: rig.seller,
    backend: { driver: 'openai', url: standIn.url },
    models: ['standin'],
    macaroon,
    lndConfig,
  });

async function sellsOneAnswer(seller: SellerProcess): Promise<void> {
  await using buyer = await RigBuyer.start(rig);
  await buyer.untilProviderKnown();
  const bought = await buyer.buy({ body: streamedChat('standin') });
  expect(bought.sha256).toBe(standIn.calls.at(-1)?.sha256);
  await seller.books.untilJob('closed job', bought.jobId, ({ funding }) => funding === 'closed');
}

beforeAll(async () => {
  mkdirSync(directory, { recursive: true });
  standIn = await startStandIn({ standin: fast(5) });
});
afterAll(async () => {
  await standIn[Symbol.asyncDispose]();
  removeDirectory(directory);
});

describe('lcp-provider macaroon bake', () => {
  it('writes a macaroon for its owner alone, says what to do with it, and never shows it', async () => {
    const { code, said } = await bake();
    expect(said).toContain(`macaroon_path: ${JSON.stringify(file)}`);
    expect(code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const secret of [hexOf(file), readFileSync(file).toString('base64'), hexOf(rig.seller.macaroonPath)])
      expect(said.includes(secret)).toBe(false);
    expect(macaroonPermissions(hexOf(file)).toSorted()).toEqual(
      LND_SELLER_METHODS.map((method) => `uri:${method}`).toSorted(),
    );
  });

  it('replaces it only when told to', async () => {
    const before = hexOf(file);
    expect(await bake()).toMatchObject({ code: 1, said: expect.stringContaining('is there already') as string });
    expect(hexOf(file)).toBe(before);
    expect((await bake('--force')).code).toBe(0);
    expect(hexOf(file)).not.toBe(before);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('says so when it is given a macaroon that may not bake', async () => {
    expect(await bake('--force', '--admin-macaroon', file)).toEqual({
      code: 4,
      said: `lnd at ${rig.seller.grpcSocket} bakes nothing for this macaroon: give the admin.macaroon of this very node\n`,
    });
  });
});

describe('what was baked', () => {
  it('sells an answer from end to end', async () => {
    await using seller = await starting(hexOf(file));
    await sellsOneAnswer(seller);
    seller.expectNoSecretLogged([hexOf(file)]);
    expect(seller.log).not.toContain('permission denied');
  });

  const connected = async (macaroon: string, act: (connection: Connection) => Promise<void>): Promise<void> => {
    const connection = connectionTo(rig.seller.grpcSocket, readFileSync(rig.seller.certPath), macaroon);
    await act(connection).finally(() => connection.close());
  };

  it('cannot pay, send coins, bake or open channels', async () => {
    const { payment_request } = (await rig.buyer.lncli('addinvoice', '1000')) as { payment_request: string };
    const { address } = (await rig.buyer.lncli('newaddress', 'p2wkh')) as { address: string };
    const cert = readFileSync(rig.seller.certPath, 'utf8');
    const node = await openLndNode({ socket: rig.seller.grpcSocket, cert, macaroon: hexOf(file) });
    const payment = { paymentRequest: payment_request, maxFeeMsat: msat(1000), timeoutMs: 5000 };
    expect(await codeOf(node.pay(payment))).toBe('permission-denied');
    await node.close();
    await connected(hexOf(file), async ({ lnd }) => {
      const attempts: (() => Promise<unknown>)[] = [
        () => sendToChainAddress({ lnd, address, tokens: 10_000 }),
        () => grantAccess({ lnd, permissions: ['offchain:write'] }),
        () => openChannel({ lnd, local_tokens: 100_000, partner_public_key: rig.buyer.nodeId }),
      ];
      for (const attempt of attempts) {
        const outcome = await attempt().catch((error: unknown) => error);
        expect(JSON.stringify(outcome)).toMatch(/permission ?denied/i);
      }
    });
  });

  it('allows, of all methods that lnd has, those of the list and no other; and their roles are what lnd says', async () => {
    const { method_permissions: all } = (await rig.seller.lncli('listpermissions')) as {
      method_permissions: Record<string, { permissions: { entity: string; action: string }[] }>;
    };
    const roles = Object.keys(LND_SELLER_ROLES).map((method) => [
      method,
      all[method]?.permissions.map(({ entity, action }) => `${entity}:${action}`).join(),
    ]);
    expect(Object.fromEntries(roles)).toEqual(LND_SELLER_ROLES);
    const macaroon = readFileSync(file);
    const allowed: string[] = [];
    await connected(hexOf(rig.seller.macaroonPath), async ({ lightning }) => {
      const { checkMacaroonPermissions } = lightning as unknown as {
        checkMacaroonPermissions: Parameters<typeof call<object, { valid: boolean }>>[1];
      };
      for (const [fullMethod, { permissions }] of Object.entries(all)) {
        const isAllowed = await call(lightning, checkMacaroonPermissions, { macaroon, permissions, fullMethod }).then(
          ({ valid }) => valid,
          () => false,
        );
        // Open to everybody: unlocking, the state of the wallet.
        if (isAllowed && permissions.length > 0) allowed.push(fullMethod);
      }
    });
    expect(Object.keys(all).length).toBeGreaterThan(100);
    expect(allowed.toSorted()).toEqual(LND_SELLER_METHODS.toSorted());
  });
});

describe('the provider on lnd', () => {
  it("does not start with lnd's admin macaroon, whose powers it names, nor with one that lacks a method", async () => {
    const admin = hexOf(rig.seller.macaroonPath);
    await expect(starting(admin)).rejects.toThrow(
      /exit code 3[^]*pay over Lightning \(offchain:write\)[^]*lcp-provider macaroon bake[^]*allow_admin_macaroon/,
    );
    await expect(starting(admin)).rejects.not.toThrow(admin);
    const [, ...rest] = LND_SELLER_METHODS.map((method) => `uri:${method}`);
    const poor = String(await rig.seller.lncli('bakemacaroon', ...rest));
    await expect(starting(poor)).rejects.toThrow(
      /exit code 3[^]*does not allow what selling needs: \/lnrpc.Lightning\/GetInfo\./,
    );
  });

  it('sells with the admin macaroon when its operator takes the risk, and warns at each start', async () => {
    await using seller = await starting(hexOf(rig.seller.macaroonPath), { allow_admin_macaroon: true });
    await sellsOneAnswer(seller);
    await seller.restart();
    const warnings = seller.log.split('\n').filter((line) => line.includes('allows more than selling needs'));
    expect(warnings).toHaveLength(2);
    for (const line of warnings) expect(JSON.parse(line)).toMatchObject({ level: 40 });
  });
});
