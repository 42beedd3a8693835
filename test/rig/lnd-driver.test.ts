import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LND_BUYER_METHODS, LND_SELLER_METHODS } from '../../src/lightning/lnd/methods.ts';
import { openLndNode } from '../../src/lightning/lnd/lnd-node.ts';
import type { LndNode, LndOptions } from '../../src/lightning/lnd/lnd-node.ts';
import { msat } from '../../src/money/msat.ts';
import { codeOf, eventually, lightningContract, Told } from '../lightning/contract.ts';
import { reportToStderr } from './build.ts';
import { Daemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { removeDirectory, temporaryDirectory } from './guard.ts';
import type { LndHandle } from './rig.ts';
import { sharedRig } from './shared-rig.ts';

const rig = sharedRig();
/** Macaroons that allow what the driver lists, and nothing else. */
const macaroons = { seller: '', buyer: '' };

beforeAll(async () => {
  const bake = async (lnd: LndHandle, methods: readonly string[]) =>
    String(await lnd.lncli('bakemacaroon', ...methods.map((method) => `uri:${method}`)));
  macaroons.seller = await bake(rig.seller, LND_SELLER_METHODS);
  macaroons.buyer = await bake(rig.buyer, [...LND_SELLER_METHODS, ...LND_BUYER_METHODS]);
});

const optionsFor = (role: 'seller' | 'buyer'): LndOptions => ({
  socket: rig[role].grpcSocket,
  cert: readFileSync(rig[role].certPath, 'utf8'),
  macaroon: macaroons[role],
});

const order = (amountMsat = 25_000) => ({
  preimage: randomBytes(32).toString('hex'),
  descriptionHash: randomBytes(32).toString('hex'),
  amountMsat: msat(amountMsat),
  expiresAtS: Math.floor(Date.now() / 1000) + 600,
  hold: false,
});

/** Ends the connection from both ends: the end that did not would dial again. */
async function disconnect(): Promise<void> {
  const { seller, buyer } = rig;
  for (let calm = 0; calm < 4; calm++) {
    for (const [of, other] of [
      [seller, buyer],
      [buyer, seller],
    ] as const) {
      const wasConnected = await of.lncli('disconnect', other.nodeId).then(
        () => true,
        () => false,
      );
      if (wasConnected) calm = 0;
    }
    await delay(400);
  }
}

/** Leaves the buyer 3 million sat to pay with, for the contract; returns what puts it back. */
async function lessForTheBuyer(): Promise<() => Promise<void>> {
  const { channels } = (await rig.buyer.lncli('listchannels')) as { channels: { local_balance: string }[] };
  const surplus = Number(channels[0]!.local_balance) - 3_000_000;
  const pay = async (from: LndHandle, to: LndHandle, sat: number): Promise<void> => {
    for (let rest = sat; rest > 0; rest -= 4_000_000) {
      const added = (await to.lncli('addinvoice', `--amt=${Math.min(rest, 4_000_000)}`)) as { payment_request: string };
      await from.lncli('payinvoice', '--force', '--json', added.payment_request);
    }
  };
  await pay(rig.buyer, rig.seller, surplus);
  return () => pay(rig.seller, rig.buyer, surplus);
}

lightningContract('lnd', async () => {
  const giveBack = await lessForTheBuyer();
  const [seller, buyer] = [await openLndNode(optionsFor('seller')), await openLndNode(optionsFor('buyer'))];
  let current = seller;
  return {
    seller,
    buyer,
    async restartSeller() {
      await current.close();
      return (current = await openLndNode(optionsFor('seller')));
    },
    disconnect,
    reconnect: () => rig.connect(),
    outlastHolds: () => rig.generate(31), // 40 blocks, and 3 that the payer adds, less the 12 that lnd keeps
    async buyerFunds() {
      const { local_balance } = (await rig.buyer.lncli('channelbalance')) as { local_balance: { msat: string } };
      return BigInt(local_balance.msat);
    },
    async close() {
      await current.close();
      await buyer.close();
      await giveBack();
    },
  };
});

/** A TCP relay in front of lnd that can be cut. */
async function relayTo(port: number) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
        sockets.delete(socket);
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    socket: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => void (isCut = false),
    close() {
      cut();
      server.close();
    },
  };
}

describe('lnd that goes away', { timeout: 120_000 }, () => {
  let buyer: LndNode;
  beforeAll(async () => {
    await rig.connect();
    buyer = await openLndNode(optionsFor('buyer'));
  });
  afterAll(() => buyer.close());
  const pay = ({ paymentRequest }: { paymentRequest: string }) =>
    buyer.pay({ paymentRequest, maxFeeMsat: msat(1000), timeoutMs: 20_000 });

  it.each([
    ['the first settlement that is ever told', false],
    ['a later one', true],
  ])('is missed no settlement that happened unheard, before lnd was killed: %s', async (_, hasCursor) => {
    const { seller } = rig;
    const relay = await relayTo(Number(seller.grpcSocket.split(':')[1]));
    const node = await openLndNode({ ...optionsFor('seller'), socket: relay.socket });
    const told = new Told(node);
    try {
      const first = hasCursor ? await node.createInvoice(order()) : undefined;
      const unheard = await node.createInvoice(order());
      await node.start(0n);
      if (first) {
        await pay(first);
        await told.settled(first.paymentHash);
      }
      relay.cut();
      await told.until('down', () => told.states.includes('down') || undefined);
      expect(told.states).toContain(`offline ${buyer.nodeId}`);
      await pay(unheard);
      await seller.kill();
      relay.mend();
      await seller.restart();
      const update = await told.settled(unheard.paymentHash);
      expect(update.invoice).toEqual({ state: 'settled', receivedMsat: 25_000n });
      expect(update.cursor).toBeGreaterThan(0n);
      await told.until('up again', () => told.states.lastIndexOf('up') > told.states.indexOf('down') || undefined);
      expect(told.states.filter((state) => state === 'down' || state === 'up')).toEqual(['up', 'down', 'up']);

      await rig.connect();
      await told.until('on line again', () => told.states.at(-1) === `online ${buyer.nodeId}` || undefined);
      await node.sendMessage(buyer.nodeId, 40_001, Buffer.from('again'));
      const later = await node.createInvoice(order());
      await pay(later);
      await told.settled(later.paymentHash);
    } finally {
      await node.close();
      relay.close();
    }
  });

  it('gives no held payment up: it is told again after lnd was killed, and what happened unheard too', async () => {
    const { seller } = rig;
    const relay = await relayTo(Number(seller.grpcSocket.split(':')[1]));
    const node = await openLndNode({ ...optionsFor('seller'), socket: relay.socket });
    const aside = await openLndNode(optionsFor('seller'));
    const told = new Told(node);
    try {
      await node.start(0n);
      const hold = async (amountMsat: number) => {
        const ordered = { ...order(amountMsat), hold: true };
        const created = await node.createInvoice(ordered);
        node.watchInvoice(created.paymentHash);
        return { ...ordered, ...created };
      };
      const [taken, back, unheard] = [await hold(25_000), await hold(26_000), await hold(27_000)];
      const outcomes: Promise<string>[] = [];
      for (const invoice of [taken, back]) {
        outcomes.push(codeOf(pay(invoice)));
        await told.turned(invoice.paymentHash, 'held');
      }
      relay.cut();
      await told.until('down', () => told.states.includes('down') || undefined);
      outcomes.push(codeOf(pay(unheard)));
      await eventually('held', async () => (await aside.lookUpInvoice(unheard.paymentHash))?.state === 'held');
      await aside.cancelInvoice(back.paymentHash);
      await seller.kill();
      const from = told.invoices.length;
      relay.mend();
      await seller.restart();
      const again = () =>
        told.invoices.slice(from).map(({ paymentHash, invoice }) => [paymentHash, invoice.state].join());
      const expected = [`${taken.paymentHash},held`, `${back.paymentHash},cancelled`, `${unheard.paymentHash},held`];
      await told.until('all three', () => expected.every((one) => again().includes(one)) || undefined);
      // Seen with lnd 0.20.1: two payments held at once, one settled before the peers were back, lnd killed once more soon after: it
      // replays the settlement ("No HTLC with ID"), and the channel stays inactive.
      await rig.connect();
      await node.settleInvoice(taken.preimage);
      await node.settleInvoice(unheard.preimage);
      expect(await Promise.all(outcomes)).toEqual(['no error', 'payment-failed', 'no error']);
      for (const { paymentHash } of [taken, unheard]) await told.settled(paymentHash);
    } finally {
      await Promise.all([node.close(), aside.close()]);
      relay.close();
    }
  });

  it('is told of 500 watched invoices, also after it was away', async () => {
    const relay = await relayTo(Number(rig.seller.grpcSocket.split(':')[1]));
    const node = await openLndNode({ ...optionsFor('seller'), socket: relay.socket });
    const told = new Told(node);
    try {
      await node.start(0n);
      const invoices = await Promise.all(
        Array.from({ length: 500 }, () => node.createInvoice({ ...order(), hold: true })),
      );
      for (const { paymentHash } of invoices) node.watchInvoice(paymentHash);
      relay.cut();
      await told.until('down', () => told.states.includes('down') || undefined);
      relay.mend();
      await told.until('up again', () => told.states.lastIndexOf('up') > 0 || undefined);
      const begun = performance.now();
      await Promise.all(invoices.map(({ paymentHash }) => node.cancelInvoice(paymentHash)));
      for (const { paymentHash } of invoices) await told.turned(paymentHash, 'cancelled');
      reportToStderr(`500 watched invoices cancelled and told in ${(performance.now() - begun) | 0} ms`);
    } finally {
      await node.close();
      relay.close();
    }
  });

  it('under load leaves no call without a LightningError, and lets nothing else escape', async () => {
    const node = await openLndNode(optionsFor('seller'));
    await node.start(0n);
    const codes = new Set<string>();
    let isOver = false;
    const busy = async (act: () => Promise<unknown>): Promise<void> => {
      while (!isOver) codes.add(await codeOf(act()));
    };
    const load = [
      busy(() => node.createInvoice(order())),
      busy(() => node.sendMessage(buyer.nodeId, 40_003, randomBytes(30_000))),
      busy(() => node.lookUpInvoice('ab'.repeat(32))),
      busy(() => node.peers()),
      busy(() => node.createInvoice(order()).then(pay)),
    ];
    await delay(500);
    await rig.seller.kill();
    await delay(300);
    await rig.seller.restart();
    await eventually('lnd answers again', async () => (await codeOf(node.peers())) === 'no error');
    await delay(500);
    const closing = node.close();
    isOver = true;
    await Promise.all([closing, ...load]);
    const expected = ['no error', 'payment-failed', 'payment-unknown', 'peer-offline', 'unavailable'];
    expect([...codes].filter((code) => !expected.includes(code))).toEqual([]);
    expect(codes).toContain('unavailable');
    await rig.connect();
  });

  it('is noticed when it only stops answering, and when it answers again', async () => {
    const node = await openLndNode(optionsFor('seller'));
    const told = new Told(node);
    const pid = await rig.seller.pid();
    try {
      await node.start(0n);
      const begun = performance.now();
      process.kill(pid!, 'SIGSTOP');
      expect(await codeOf(node.lookUpInvoice('ab'.repeat(32)))).toBe('unavailable');
      await told.until('down', () => told.states.includes('down') || undefined, 15_000);
      const noticedMs = performance.now() - begun;
      expect(noticedMs).toBeLessThan(15_000);
      process.kill(pid!, 'SIGCONT');
      const continued = performance.now();
      await told.until('up again', () => told.states.indexOf('up', told.states.indexOf('down')) > 0 || undefined);
      reportToStderr(`noticed after ${noticedMs | 0} ms, back after ${(performance.now() - continued) | 0} ms`);
      expect(await node.lookUpInvoice('ab'.repeat(32))).toBeUndefined();
    } finally {
      process.kill(pid!, 'SIGCONT');
      await node.close();
    }
  });
});

describe('invoices at lnd', () => {
  it('carry the description hash alone, and are told from those of others', async () => {
    const node = await openLndNode(optionsFor('seller'));
    const sinceS = Math.floor(Date.now() / 1000);
    for (const hold of [false, true]) {
      const ordered = { ...order(), hold };
      const { paymentRequest, paymentHash } = await node.createInvoice(ordered);
      const decoded = await rig.buyer.lncli('decodepayreq', paymentRequest);
      expect(decoded).toMatchObject({ description: '', description_hash: ordered.descriptionHash });
      expect(await node.ourInvoices(sinceS)).toContainEqual({ paymentHash, invoice: { state: 'open' } });
    }
    const { r_hash } = (await rig.seller.lncli('addinvoice', '--memo=mine', '--amt=5')) as { r_hash: string };
    expect((await node.ourInvoices(sinceS)).map(({ paymentHash }) => paymentHash)).not.toContain(r_hash);
    await node.close();
  });
});

describe('lnd that cannot be used is refused with advice', () => {
  const opening = async (change: Partial<LndOptions>): Promise<string> => {
    const options = { ...optionsFor('seller'), openTimeoutMs: 3000, ...change };
    return openLndNode(options).then(
      () => 'opened',
      (error: Error) => error.message,
    );
  };

  it('for a port where nothing listens', async () => {
    expect(await opening({ socket: '127.0.0.1:1' })).toMatch(/lnd at 127.0.0.1:1 does not answer .*is it running/);
  });

  it('for a certificate of another node', async () => {
    const begun = performance.now();
    const cert = readFileSync(rig.buyer.certPath, 'utf8');
    expect(await opening({ cert })).toMatch(/shows a TLS certificate that we don't trust .* give the tls.cert/);
    const { cert: _, ...systemRoots } = optionsFor('seller');
    await expect(openLndNode(systemRoots)).rejects.toThrow(/TLS certificate that we don't trust/);
    expect(performance.now() - begun).toBeLessThan(3000);
  });

  it('for a wallet that does not exist yet', async () => {
    const dir = temporaryDirectory();
    const grpcSocket = `127.0.0.1:${await freePort('running')}`;
    const lnd = new Daemon({
      name: 'lnd without a wallet',
      command: join(dirname(rig.seller.lncliPath), 'lnd'),
      args: [
        `--lnddir=${dir}`,
        `--rpclisten=${grpcSocket}`,
        '--nolisten',
        '--norest',
        '--bitcoin.simnet',
        '--bitcoin.node=neutrino',
      ],
      logFile: join(dir, 'output.log'),
      ready: async () => existsSync(join(dir, 'tls.cert')),
    });
    await lnd.start();
    try {
      const cert = readFileSync(join(dir, 'tls.cert'), 'utf8');
      expect(await opening({ socket: grpcSocket, cert })).toMatch(/has no wallet: create one/);
    } finally {
      await lnd.kill();
      removeDirectory(dir);
    }
  });

  it('for the P2P port', async () => {
    expect(await opening({ socket: `127.0.0.1:${rig.seller.p2pPort}` })).toMatch(/lnd at .*(10009|socket right)/);
  });

  it('for a macaroon of another node, at once', async () => {
    const begun = performance.now();
    expect(await opening({ macaroon: macaroons.buyer })).toMatch(/refuses the macaroon/);
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('for a macaroon that allows too little: at start, and call by call', async () => {
    const macaroon = String(await rig.seller.lncli('bakemacaroon', 'uri:/lnrpc.Lightning/GetInfo'));
    const node = await openLndNode({ ...optionsFor('seller'), macaroon });
    expect(await codeOf(node.createInvoice(order()))).toBe('permission-denied');
    expect(await codeOf(node.start(1n))).toBe('permission-denied');
    await node.close();
    const seller = await openLndNode(optionsFor('seller'));
    const invoice = await (await openLndNode(optionsFor('buyer'))).createInvoice(order());
    const paying = { paymentRequest: invoice.paymentRequest, maxFeeMsat: msat(0), timeoutMs: 5000 };
    expect(await codeOf(seller.pay(paying))).toBe('permission-denied');
    await seller.close();
  });
});

describe('peers', () => {
  it('are connected by address, again and again; what cannot be reached is off line', async () => {
    await disconnect();
    const buyer = await openLndNode(optionsFor('buyer'));
    const told = new Told(buyer);
    await buyer.start(1n);
    const { nodeId } = rig.seller;
    expect(await buyer.peers()).toEqual([]);
    expect(await codeOf(buyer.connectPeer(nodeId, '127.0.0.1:1'))).toBe('peer-offline');
    expect(await codeOf(buyer.connectPeer(buyer.nodeId, '127.0.0.1:1'))).toBe('refused');
    await buyer.connectPeer(nodeId, `127.0.0.1:${rig.seller.p2pPort}`);
    expect(told.states).toContain(`online ${nodeId}`);
    await buyer.connectPeer(nodeId, `127.0.0.1:${rig.seller.p2pPort}`);
    await eventually('one peer', async () => (await buyer.peers()).length === 1);

    const seller = await openLndNode(optionsFor('seller'));
    const sellerTold = new Told(seller);
    await seller.start(1n);
    await buyer.sendMessage(nodeId, 40_005, Buffer.alloc(buyer.maxMessageBytes, 5));
    const { payload } = await sellerTold.message('the largest message', ({ type }) => type === 40_005);
    expect(payload.length).toBe(buyer.maxMessageBytes);
    await Promise.all([buyer.close(), seller.close()]);
  });
});
