/** Lets at most `limit` pieces of work run at once, first come, first served. */
export function turns(limit: number): <Value>(work: () => Promise<Value>) => Promise<Value> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    // A turn that is handed over stays counted, so that no newcomer takes it first.
    if (running < limit) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next !== undefined) next();
      else running--;
    }
  };
}

/** Lets one piece of work run at once for each key, first come, first served; different keys do not wait for each other. */
export class TurnsByKey {
  readonly #byKey = new Map<string, { count: number; take: ReturnType<typeof turns> }>();

  async take<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    const turn = this.#byKey.get(key) ?? { count: 0, take: turns(1) };
    this.#byKey.set(key, turn);
    turn.count++;
    try {
      return await turn.take(work);
    } finally {
      if (--turn.count === 0) this.#byKey.delete(key);
    }
  }

  /** Resolves when everything that waits now has had its turn. */
  async whenIdle(): Promise<void> {
    await Promise.all([...this.#byKey.values()].map(({ take }) => take(() => Promise.resolve())));
  }
}
