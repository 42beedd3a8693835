import { expect, test } from 'vitest';
import { laws } from './laws.ts';

test.each(laws)('$room: $name', (law) => expect(law.try({ runs: law.runs }).failure).toBeUndefined());

test('each law has a name of its own, by which a failure is played again', () => {
  expect(new Set(laws.map(({ name }) => name)).size).toBe(laws.length);
});
