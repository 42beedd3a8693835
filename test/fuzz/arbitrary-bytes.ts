import fc from 'fast-check';

interface Change {
  readonly at: number;
  readonly remove: number;
  readonly insert: Uint8Array;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat({ max: 65_535 }),
  remove: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 4 }) }, fc.nat({ max: 200 })),
  insert: fc.uint8Array({ maxLength: 6 }),
});

function changed(bytes: Uint8Array, { at, remove, insert }: Change): Uint8Array {
  const from = at % (bytes.length + 1);
  return Uint8Array.from([...bytes.subarray(0, from), ...insert, ...bytes.subarray(from + remove)]);
}

/** Bytes of which a few were changed, lost or added. */
export const mutated = (bytes: fc.Arbitrary<Uint8Array>, most = 3): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(bytes, fc.array(change, { minLength: 1, maxLength: most }))
    .map(([whole, changes]) => changes.reduce(changed, whole));

/** The same bytes in pieces, cut anywhere; some are empty. */
export const pieces = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.slice(index === 0 ? 0 : ends[index - 1], end));
};
