import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { Health } from './health.ts';
import { metricsText } from './metrics.ts';

/** `/healthz`: 200 while the process lives, with what it does. `/readyz`: 200 only while it sells, else 503. `/metrics`: for Prometheus. All are 503 while there is no health yet. */
export function createHealthServer(healthNow: () => Health | undefined): FastifyInstance {
  const app = fastify({ forceCloseConnections: true });
  const health = (): Health => {
    const now = healthNow();
    if (now === undefined) throw Object.assign(new Error('starting'), { statusCode: 503 });
    return now;
  };
  app.get('/healthz', () => health());
  app.get('/readyz', (_request, reply) => {
    const now = health();
    return reply.code(now.status === 'ok' ? 200 : 503).send({ status: now.status });
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metricsText(health());
    return reply.type(contentType).send(text);
  });
  return app;
}
