import fc from 'fast-check';

export const rooms = ['decoders', 'gate', 'answers', 'config'] as const;
export type Room = (typeof rooms)[number];

export interface Trial {
  readonly runs: number;
  readonly seed?: number;
  /** Of a failure that is to be played again. */
  readonly path?: string;
  readonly timeLimitMs?: number;
}

export interface Outcome {
  readonly runs: number;
  /** The smallest counterexample, and how to see it again; absent: the law held. */
  readonly failure?: string;
}

/** What holds for every input, however it was made. */
export interface Law {
  readonly room: Room;
  readonly name: string;
  /** Inputs that `npm test` tries. */
  readonly runs: number;
  try(trial: Trial): Outcome;
}

/** No input of a test is so large that it may take longer, on a machine that is busy too. */
const MAX_MS = 2_000;

/**
 * `holds` throws where the law is broken; that it throws nothing else and ends in time is part of every law. `examples` broke it once: they are tried
 * first, each time.
 */
export function law<T>(
  room: Room,
  name: string,
  input: fc.Arbitrary<T>,
  holds: (value: T) => void,
  runs = 500,
  examples: readonly T[] = [],
): Law {
  const property = fc.property(input, (value) => {
    const start = performance.now();
    holds(value);
    const took = performance.now() - start;
    if (took > MAX_MS) throw new Error(`took ${took.toFixed(0)} ms`);
  });
  return {
    room,
    name,
    runs,
    try: ({ runs: numRuns, seed, path, timeLimitMs }) => {
      const details = fc.check(property, {
        numRuns,
        examples: examples.map((example): [T] => [example]),
        ...(seed === undefined ? {} : { seed }),
        ...(path === undefined ? {} : { path }),
        ...(timeLimitMs === undefined ? {} : { interruptAfterTimeLimit: timeLimitMs }),
      });
      if (!details.failed || details.counterexample === null) return { runs: details.numRuns };
      const again = `npm run fuzz -- --law "${name}" --seed ${details.seed} --path ${details.counterexamplePath ?? ''}`;
      const example = fc.stringify(details.counterexample);
      return {
        runs: details.numRuns,
        failure: `${name}: broken by ${example}\n${String((details.errorInstance as Error | null)?.stack)}\nSee it again: ${again}`,
      };
    },
  };
}
