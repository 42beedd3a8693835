import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { HealthTimes } from './health-probe.ts';
import type { SellerProcess } from './seller-process.ts';

/** Does `work`, and asks for the seller's health all the while from another thread, so that what this one does is not measured. */
export async function healthDuring(seller: SellerProcess, work: () => Promise<void>): Promise<HealthTimes> {
  const worker = new Worker(new URL('health-probe.ts', import.meta.url), { workerData: { url: seller.healthUrl } });
  const over = once(worker, 'message') as Promise<[HealthTimes]>;
  over.catch(() => {}); // heard below
  try {
    await once(worker, 'online');
    await work();
    worker.postMessage('stop');
    const [times] = await over;
    return times;
  } finally {
    await worker.terminate();
  }
}
