import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Holdings, SharedRate, share } from '../../../src/storefront/admission/share.ts';
import type { Holder } from '../../../src/storefront/admission/share.ts';

const limit = share(20, 6, 50);
const stranger = (name: string): Holder => ({ peer: name, isTrusted: false });
const trusted = (name: string): Holder => ({ peer: name, isTrusted: true });
const takeAll = (holdings: Holdings, holder: Holder): number => {
  let taken = 0;
  while (holdings.take(holder)) taken++;
  return taken;
};

describe('what is held of a limit', () => {
  test('is bounded for one peer, for strangers together, and for all', () => {
    const holdings = new Holdings(limit);
    expect(takeAll(holdings, stranger('a'))).toBe(6);
    expect(takeAll(holdings, stranger('b'))).toBe(4);
    expect(takeAll(holdings, stranger('c'))).toBe(0);
    expect(takeAll(holdings, trusted('d'))).toBe(6);
    expect(takeAll(holdings, trusted('e'))).toBe(4);
    expect(holdings.total).toBe(20);
  });

  test('is never more than the limits, whoever takes and gives back, and is nothing in the end', () => {
    const step = fc.record({
      peer: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      amount: fc.integer({ min: 1, max: 5 }),
      gives: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const holdings = new Holdings(limit);
        const held: { holder: Holder; amount: number }[] = [];
        const sum = (fits: (holder: Holder) => boolean): number =>
          held.reduce((total, { holder, amount }) => total + (fits(holder) ? amount : 0), 0);
        for (const { peer, amount, gives } of steps) {
          const holder = { peer, isTrusted: peer > 'c' };
          if (!gives && holdings.take(holder, amount)) held.push({ holder, amount });
          const back = gives ? held.shift() : undefined;
          if (back !== undefined) holdings.release(back.holder, back.amount);
          expect(sum((holder) => !holder.isTrusted)).toBeLessThanOrEqual(10);
          expect(sum((holder) => holder.peer === peer)).toBeLessThanOrEqual(6);
          expect(holdings.total).toBe(sum(() => true));
          expect(holdings.total).toBeLessThanOrEqual(20);
        }
        for (const { holder, amount } of held) holdings.release(holder, amount);
        expect(holdings.total).toBe(0);
      }),
    );
  });

  test('leaves one place to strangers when there is but one', () => {
    expect(new Holdings(share(1, 1, 50)).take(stranger('a'))).toBe(true);
  });
});

describe('a shared rate', () => {
  test('keeps its part for trusted peers, however many strangers come', () => {
    const rate = new SharedRate(share(60, 20, 50), 0);
    const use = (holder: Holder): number => {
      let used = 0;
      for (; rate.waitMs(holder, 1, 0) === 0; used++) rate.take(holder, 1, 0);
      return used;
    };
    expect(['a', 'b', 'c', 'd'].map((name) => use(stranger(name)))).toEqual([20, 10, 0, 0]);
    expect(['e', 'f'].map((name) => use(trusted(name)))).toEqual([20, 10]);
    rate.giveBack(trusted('e'), 5);
    expect(use(trusted('e'))).toBe(5);
  });
});
