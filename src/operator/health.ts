import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { metricsText } from './metrics.ts';

/** What the owner sees of a running node; no secrets, no prompts. */
export interface Health {
  readonly status: 'ok' | 'draining' | 'degraded';
  readonly lightning: {
    readonly driver: string;
    readonly nodeId: string;
    readonly isUp: boolean;
    readonly peersOnline: number;
  };
  readonly models: readonly string[];
  readonly jobs: { readonly requests: number; readonly open: number; readonly paid: number };
  /** How near the counts before a job came to what backends said afterwards. */
  readonly counting: readonly {
    readonly model: string;
    readonly estimator: string;
    readonly jobs: number;
    readonly meanError: number;
  }[];
  readonly backends: { readonly running: number; readonly waiting: number };
}

/** `/healthz`: 200 while the process lives, with what it does. `/readyz`: 200 only while it sells, else 503. `/metrics`: for Prometheus. */
export function createHealthServer(health: () => Health): FastifyInstance {
  const app = fastify({ forceCloseConnections: true });
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
