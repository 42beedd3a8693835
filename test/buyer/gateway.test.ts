import { describe, expect, onTestFinished, test } from 'vitest';
import { BuyerError } from '../../src/buyer/buyer-error.ts';
import { createGateway } from '../../src/buyer/gateway.ts';
import type { GatewayOptions } from '../../src/buyer/gateway.ts';
import { msat } from '../../src/money/msat.ts';
import { silentLog } from '../harness/silent-log.ts';
import { Stall } from './wire-provider.ts';

/** What a client of the gateway gets when its purchase ends like this. */
async function answerTo(error: BuyerError) {
  const stall = await Stall.open();
  stall.requester.buy = () => Promise.reject(error);
  const app = createGateway({
    requester: stall.requester,
    session: {} as GatewayOptions['session'],
    provider: stall.provider.nodeId,
    version: 2,
    maxPriceMsat: msat(1n),
    maxBodyBytes: 1_000,
    log: silentLog,
  });
  onTestFinished(() => app.close());
  return app.inject({
    method: 'POST',
    url: '/v1/chat/completions',
    headers: { 'content-type': 'application/json' },
    payload: '{"model":"m"}',
  });
}

describe('a request to a provider that is not ready', () => {
  test('is answered with 429 and the time to come back, which clients obey', async () => {
    const options = { providerError: 'rate-limited', retryAfterMs: 7_200 };
    const { statusCode, headers } = await answerTo(new BuyerError('refused', 'being loaded', options));
    expect([statusCode, headers['retry-after']]).toEqual([429, '8']);
  });

  test('is answered without a time where the provider tells none', async () => {
    const { statusCode, headers } = await answerTo(new BuyerError('refused', 'no', { providerError: 'rate-limited' }));
    expect([statusCode, headers['retry-after']]).toEqual([429, undefined]);
  });
});
