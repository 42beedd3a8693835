import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/lightning/lnd/connection.ts';
import { Roster } from '../../src/lightning/lnd/roster.ts';
import { Settlements } from '../../src/lightning/lnd/settlements.ts';
import { backOffMs, Supervisor } from '../../src/lightning/lnd/supervisor.ts';
import type { Supervised } from '../../src/lightning/lnd/supervisor.ts';
import { Watches } from '../../src/lightning/lnd/watches.ts';
import type { InvoiceUpdate } from '../../src/lightning/lightning.ts';
import { codeOf } from './contract.ts';

const payload = new Uint8Array([1]);

function roster(lists: string[][]) {
  const told: string[] = [];
  let asked = 0;
  const list = async (): Promise<string[]> => lists[Math.min(asked++, lists.length - 1)] ?? [];
  const telling = {
    peerOnline: (peer: string) => void told.push(`online ${peer}`),
    peerOffline: (peer: string) => void told.push(`offline ${peer}`),
    message: (peer: string, type: number) => void told.push(`${type} from ${peer}`),
  };
  return { told, roster: new Roster(telling, list), asked: () => asked };
}

describe('the roster of peers', () => {
  it('tells a peer on line before its first message, in the order in which they came', () => {
    const { told, roster: peers } = roster([]);
    expect(peers.message('a', 1, payload)).toBe(false);
    peers.message('b', 9, payload);
    peers.message('a', 2, payload);
    peers.connected('a');
    peers.message('a', 3, payload);
    expect(told).toEqual(['online a', '1 from a', '2 from a', '3 from a']);
  });

  it('tells nothing of a peer that came and went', async () => {
    const { told, roster: peers } = roster([[]]);
    peers.message('a', 1, payload);
    await peers.compare();
    peers.connected('a');
    expect(told).toEqual(['online a']);
  });

  it('tells each change once, and everybody off line when the node is gone', async () => {
    const { told, roster: peers } = roster([['a', 'b']]);
    peers.connected('a');
    peers.connected('a');
    await peers.compare();
    peers.disconnected('b');
    peers.disconnected('b');
    peers.clear();
    expect(told).toEqual(['online a', 'online b', 'offline b', 'offline a']);
  });

  it('asks again when something changed during the question', async () => {
    const { told, roster: peers, asked } = roster([['a'], []]);
    const comparing = peers.compare();
    peers.connected('a');
    peers.disconnected('a');
    await comparing;
    expect(asked()).toBe(2);
    expect(told).toEqual(['online a', 'offline a']);
  });

  it('waits for a peer, not for ever', async () => {
    const { roster: peers } = roster([]);
    const waiting = peers.until('a', 1000);
    peers.connected('a');
    expect(await waiting).toBe(true);
    expect(await peers.until('b', 10)).toBe(false);
  });
});

const raw = (index: number, state = 'SETTLED') => ({
  memo: '',
  r_hash: Buffer.from([index]),
  payment_request: '',
  state,
  amt_paid_msat: String(index * 1000),
  settle_index: String(state === 'SETTLED' ? index : 0),
  htlcs: [],
});
type Raw = ReturnType<typeof raw>;

function settlements(pages: Raw[][] = [[]]) {
  const requests: object[] = [];
  const told: InvoiceUpdate[] = [];
  const lightning = {
    subscribeInvoices: (request: object) => {
      requests.push(request);
      return new EventEmitter();
    },
    listInvoices: (request: object, done: (error: unknown, page: object) => void) => {
      requests.push(request);
      setImmediate(done, undefined, { invoices: pages.shift() ?? [], last_index_offset: '1000' });
    },
  };
  const connection = { lightning } as unknown as Connection;
  return { requests, told, settlements: new Settlements(connection, (update) => told.push(update)) };
}

describe('settlements', () => {
  it('continue after the cursor given, and after the last one told', () => {
    const { requests, told, settlements: feed } = settlements();
    feed.startAfter(4n);
    const { take } = feed.open();
    take(raw(5) as never);
    take(raw(0, 'OPEN') as never); // a new invoice: its index of 0 must not become the cursor
    feed.open();
    expect(requests).toEqual([{ settle_index: '4' }, { settle_index: '5' }]);
    expect(told).toEqual([{ paymentHash: '05', invoice: { state: 'settled', receivedMsat: 5000n }, cursor: 5n }]);
  });

  it('without a cursor are listed, in order, each once, though the stream tells some of them meanwhile', async () => {
    const { told, settlements: feed } = settlements([[raw(3), raw(0, 'CANCELED'), raw(1)]]);
    const { take, caughtUp } = feed.open();
    const catching = caughtUp();
    take(raw(3) as never);
    take(raw(4) as never);
    await catching;
    take(raw(5) as never);
    expect(told.map(({ cursor }) => cursor)).toEqual([1n, 3n, 4n, 5n]);
  });

  it('are listed page by page', async () => {
    const page = Array.from({ length: 1000 }, (_, index) => raw(index + 1));
    const { told, requests, settlements: feed } = settlements([page, [raw(1001)]]);
    await feed.open().caughtUp();
    expect(told).toHaveLength(1001);
    expect(requests.slice(1)).toMatchObject([{ index_offset: '0' }, { index_offset: '1000' }]);
  });
});

describe('watches of single invoices', () => {
  class Stream extends EventEmitter {
    cancelled = 0;
    cancel(): void {
      this.cancelled++;
      this.emit('error', { code: 1, details: 'Cancelled on client' });
    }
  }
  function watches() {
    const streams: { readonly hash: string; readonly stream: Stream }[] = [];
    const told: string[] = [];
    const subscribeSingleInvoice = ({ r_hash }: { r_hash: Buffer }) => {
      const stream = new Stream();
      streams.push({ hash: r_hash.toString('hex'), stream });
      return stream;
    };
    const connection = { invoices: { subscribeSingleInvoice } } as unknown as Connection;
    const feed = new Watches(connection, ({ paymentHash, invoice, cursor }) =>
      told.push(`${paymentHash} ${invoice.state} ${cursor}`),
    );
    const open = (): number => streams.filter(({ stream }) => stream.cancelled === 0).length;
    return { streams, told, feed, open };
  }

  it('have a stream each while lnd answers, and none while it is away', () => {
    const { streams, feed, open } = watches();
    feed.watch('01');
    expect(streams).toHaveLength(0);
    for (let life = 1; life <= 3; life++) {
      const streaming = feed.open(() => undefined);
      feed.watch(`a${life}`);
      expect(open()).toBe(life + 1);
      streaming.cancel();
      expect(open()).toBe(0);
    }
  });

  it('end with the final state, with the function returned, and with a second watch of the same', () => {
    const { streams, told, feed, open } = watches();
    const ends: unknown[] = [];
    feed.open((error) => ends.push(error));
    const unwatch = feed.watch('01');
    feed.watch('02');
    feed.watch('02');
    expect(streams.map(({ stream }) => stream.cancelled)).toEqual([0, 1, 0]);
    const [first, , second] = streams.map(({ stream }) => stream);
    second!.emit('data', raw(2, 'OPEN'));
    second!.emit('data', { ...raw(2, 'ACCEPTED'), htlcs: [{ state: 'ACCEPTED', amt_msat: '2000' }] });
    second!.emit('data', raw(2, 'CANCELED'));
    second!.emit('data', raw(2, 'CANCELED'));
    second!.emit('end');
    unwatch();
    unwatch();
    first!.emit('data', raw(1));
    expect(told).toEqual(['02 held undefined', '02 cancelled undefined']);
    expect(open()).toBe(0);
    expect(ends).toEqual([]); // every stream was ended by us: lnd is not away
  });

  it('that lnd ends before the invoice is final end the life of all streams', () => {
    const { streams, feed } = watches();
    const ends: unknown[] = [];
    feed.open((error) => ends.push(error));
    feed.watch('01');
    streams[0]!.stream.emit('end');
    expect(ends).toEqual([undefined]);
  });
});

describe('the supervisor', () => {
  function supervised(catchUp: (life: number) => Promise<void> = () => Promise.resolve()) {
    const told: string[] = [];
    const ends: ((error: unknown) => void)[] = [];
    const it: Supervised = {
      open: (ended) => {
        ends.push(ended);
        return [{ cancel: () => void told.push('cancel') }];
      },
      catchUp: () => catchUp(ends.length),
      up: async () => void told.push('up'),
      over: () => void told.push('over'),
      down: () => void told.push('down'),
    };
    return { told, ends, supervisor: new Supervisor(it) };
  }

  it('opens the streams again after one has ended, and tells it', async () => {
    const { told, ends, supervisor } = supervised();
    await supervisor.start();
    ends[0]?.(undefined);
    while (told.filter((event) => event === 'up').length < 2) await delay(10);
    await supervisor.close();
    expect(told).toEqual(['up', 'cancel', 'over', 'down', 'up', 'cancel', 'over']);
  });

  it('tells an outage once, however many attempts fail', async () => {
    const { told, supervisor } = supervised(async (life) => {
      if (life < 3) throw Object.assign(new Error('no'), { code: 14, details: 'no' });
    });
    await supervisor.start();
    await supervisor.close();
    expect(told.filter((event) => event !== 'cancel' && event !== 'over')).toEqual(['down', 'up']);
  });

  it('gives up at once when the macaroon does not allow it', async () => {
    const { supervisor, ends } = supervised(() => delay(1000));
    const starting = codeOf(supervisor.start());
    ends[0]?.({ code: 2, details: 'permission denied' });
    expect(await starting).toBe('permission-denied');
  });

  it('that is closed before the node answered rejects', async () => {
    const { supervisor } = supervised(() => new Promise(() => undefined));
    const starting = codeOf(supervisor.start());
    await supervisor.close();
    expect(await starting).toBe('unavailable');
  });

  it('waits from 250 ms up to 10 s, less a random half', () => {
    const never = (): number => 0;
    expect([0, 1, 2, 5, 6, 100].map((attempt) => backOffMs(attempt, never))).toEqual([
      250, 500, 1000, 8000, 10_000, 10_000,
    ]);
    expect(backOffMs(100, () => 1)).toBe(5000);
  });
});
