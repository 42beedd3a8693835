import { z } from 'zod';
import { whole } from './fields.ts';

/** When payments are taken, as written. */
export const paymentSchema = z
  .strictObject({
    mode: z
      .enum(['upfront', 'hold'])
      .default('upfront')
      .describe(
        'upfront: work starts when the payment has arrived, as LCP says; what is not used becomes credit. hold: the payment is only held until the first byte of the answer is there; if none comes the buyer pays nothing. Default upfront.',
      ),
    hold_seconds: whole(
      'Seconds a payment is held at most, waiting for a slot included; then the buyer gets it back. Far above an hour nodes give it back by themselves. Above deadlines.total_seconds that counts instead.',
      1800,
      { max: 7200 },
    ),
  })
  .describe('When payments are taken.');
