import { expect, onTestFinished, test, vi } from 'vitest';
import { createPlaces } from '../../src/backend/places.ts';

test('admits so many at a time, in order, and one more for each place that is left, however often it is left', async () => {
  const places = createPlaces(2);
  const admitted: number[] = [];
  const leaves = Array.from({ length: 5 }, async (_, index) => {
    const leave = await places.admit();
    admitted.push(index);
    return leave;
  });
  const leaveFirst = await leaves[0]!;
  await leaves[1];
  expect(admitted).toEqual([0, 1]);
  leaveFirst();
  leaveFirst();
  await leaves[2];
  // Another such limit, asked later, is through: so would the fourth have been, were there a place.
  await createPlaces(1).admit();
  await vi.waitUntil(() => admitted.length >= 3);
  expect(admitted).toEqual([0, 1, 2]);
});

test('goes on when the clock is set back by an hour', async () => {
  const places = createPlaces(1);
  const leave = await places.admit();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
  onTestFinished(() => void vi.useRealTimers());
  leave();
  (await places.admit())();
});
