import { describe, expect, test } from 'vitest';
import { createHealthServer } from '../../src/operator/health-server.ts';
import type { Health } from '../../src/operator/health.ts';

const selling: Health = {
  status: 'ok',
  lightning: { driver: 'lnd', nodeId: '02'.padEnd(66, 'a'), isUp: true, peersOnline: 3 },
  models: ['a', 'b'],
  jobs: { requests: 1, open: 2, paid: 4 },
  counting: [{ model: 'say "hi"', estimator: 'openai', jobs: 12, meanError: 0.02 }],
  backends: { running: 4, waiting: 5 },
};

describe('what the owner looks at', () => {
  test('lives, and sells only while it is ok', async () => {
    for (const [status, code] of [
      ['ok', 200],
      ['degraded', 503],
      ['draining', 503],
    ] as const) {
      const server = createHealthServer(() => ({ ...selling, status }));
      expect((await server.inject('/healthz')).json()).toMatchObject({ status, models: ['a', 'b'] });
      expect((await server.inject('/readyz')).statusCode).toBe(code);
      await server.close();
    }
  });

  test('the figures for Prometheus are those of the moment, each time', async () => {
    let running = 4;
    const server = createHealthServer(() => ({ ...selling, backends: { running, waiting: 5 } }));
    const first = await server.inject('/metrics');
    expect(first.headers['content-type']).toContain('text/plain');
    expect(first.body.split('\n')).toEqual(
      expect.arrayContaining([
        'lcp_provider_lightning_up 1',
        'lcp_provider_jobs{state="paid"} 4',
        'lcp_provider_backend_running 4',
        'lcp_provider_input_count_error_ratio{model="say \\"hi\\"",estimator="openai"} 0.02',
        'lcp_provider_input_count_jobs{model="say \\"hi\\"",estimator="openai"} 12',
      ]),
    );
    running = 0;
    expect((await server.inject('/metrics')).body).toContain('lcp_provider_backend_running 0');
    await server.close();
  });

  test('is not there yet while the provider starts', async () => {
    const server = createHealthServer(() => undefined);
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const { statusCode, body } = await server.inject(path);
      expect({ statusCode, body }, path).toMatchObject({
        statusCode: 503,
        body: expect.stringContaining('starting') as string,
      });
    }
    await server.close();
  });
});
