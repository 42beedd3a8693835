import { expect } from 'vitest';
import { streamedChat } from './rig-buyer.ts';
import type { WireBuyer } from './wire-buyer.ts';

/** Sends all of them, so many at once. */
export async function flood(count: number, width: number, send: (index: number) => Promise<void>): Promise<void> {
  let index = 0;
  const worker = async () => {
    while (index < count) await send(index++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** Buys again and again until `flooding` is over; promises how long the slowest sale took, from the request to the result. */
export async function slowestSaleMs(wire: WireBuyer, flooding: Promise<void>): Promise<number> {
  let isOver = false;
  const over = flooding.finally(() => (isOver = true));
  over.catch(() => {}); // heard below
  let slowestMs = 0;
  while (!isOver) {
    const begunMs = performance.now();
    const order = wire.order(streamedChat('standin'), 3);
    await wire.quoteAndPay(order);
    expect((await wire.outcome(order)).result.status).toBe('ok');
    slowestMs = Math.max(slowestMs, performance.now() - begunMs);
  }
  await over;
  return slowestMs;
}
