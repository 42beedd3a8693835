import { expect, onTestFinished, test, vi } from 'vitest';
import { createAdmission } from '../../src/backend/admission.ts';

test('admits so many at a time, in order, and one more for each place that is left, however often it is left', async () => {
  const admission = createAdmission(2);
  const admitted: number[] = [];
  const places = Array.from({ length: 5 }, async (_, index) => {
    const leave = await admission.admit();
    admitted.push(index);
    return leave;
  });
  const leaveFirst = await places[0]!;
  await places[1];
  expect(admitted).toEqual([0, 1]);
  leaveFirst();
  leaveFirst();
  await places[2];
  // Another admission of the same kind, asked later, is through: so would the fourth have been, were there a place.
  await createAdmission(1).admit();
  await vi.waitUntil(() => admitted.length >= 3);
  expect(admitted).toEqual([0, 1, 2]);
});

test('goes on when the clock is set back by an hour', async () => {
  const admission = createAdmission(1);
  const leave = await admission.admit();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
  onTestFinished(() => void vi.useRealTimers());
  leave();
  (await admission.admit())();
});
