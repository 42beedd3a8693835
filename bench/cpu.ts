import { readFileSync } from 'node:fs';
import type { Bench } from './bench.ts';
import type { Figure } from './report.ts';
import type { Seller } from './seller.ts';

/** The unit of /proc/PID/stat on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** CPU time of a process so far, all its threads; undefined where there is no /proc. */
function cpuMsOf(pid: number | undefined): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}

/** CPU time of everybody who has a part in a sale, by name: where they share a machine, it is what bounds the rate. */
export class CpuBook {
  readonly #pids: ReadonlyMap<string, number | undefined>;
  readonly #spent = new Map<string, number>();

  private constructor(pids: ReadonlyMap<string, number | undefined>) {
    this.#pids = pids;
  }

  static async open({ rig }: Bench, seller: Seller): Promise<CpuBook> {
    const [sellerLnd, buyerLnd] = [await rig.seller.pid(), await rig.buyer.pid()];
    const parties = { provider: seller.pid, 'lnd of the seller': sellerLnd, 'lnd of the buyer': buyerLnd };
    return new CpuBook(new Map(Object.entries({ ...parties, 'buyer and stand-in': process.pid })));
  }

  /** Adds what everybody spends while work is done. */
  async during<Value>(work: () => Promise<Value>): Promise<Value> {
    const before = new Map([...this.#pids].map(([name, pid]) => [name, cpuMsOf(pid)]));
    const value = await work();
    for (const [name, pid] of this.#pids) {
      const [from, to] = [before.get(name), cpuMsOf(pid)];
      if (from !== undefined && to !== undefined) this.#spent.set(name, (this.#spent.get(name) ?? 0) + to - from);
    }
    return value;
  }

  /** What each spent, divided by `count`. */
  figures(what: string, count: number): Figure[] {
    return [...this.#spent].map(([name, ms]) => ({
      name: `  CPU time for ${what}: ${name}`,
      value: ms / count,
      unit: 'ms',
    }));
  }
}
