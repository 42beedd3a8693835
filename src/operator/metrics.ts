import { Gauge, Registry } from '@prometheus-io/client';
import type { Health } from './health.ts';

/** The figures of `/healthz` for Prometheus, as they are when it asks. */
export async function metricsText(health: Health): Promise<{ readonly contentType: string; readonly text: string }> {
  const registry = new Registry();
  const gauge = (name: string, help: string, ...labelNames: string[]): Gauge<string> =>
    new Gauge<string>({ name: `lcp_provider_${name}`, help, labelNames, registers: [registry] });
  const { lightning, models, jobs, backends, counting } = health;
  gauge('lightning_up', '1 while the Lightning node answers.').set(Number(lightning.isUp));
  gauge('peers_online', 'Lightning peers on line.').set(lightning.peersOnline);
  gauge('models', 'Models on sale.').set(models.length);
  const open = gauge(
    'jobs',
    'Jobs by what they wait for: requests still arriving, quotes not paid, paid work.',
    'state',
  );
  for (const [state, count] of Object.entries(jobs)) open.set({ state }, count);
  gauge('backend_running', 'Jobs that backends work on.').set(backends.running);
  gauge('backend_waiting', 'Paid jobs that wait for a slot.').set(backends.waiting);
  const labels = ['model', 'estimator'];
  const error = gauge(
    'input_count_error_ratio',
    'Mean of |counted - actual| / actual of input tokens, of the latest jobs more than of old ones.',
    ...labels,
  );
  const compared = gauge('input_count_jobs', 'Finished jobs that the count was compared with.', ...labels);
  for (const { model, estimator, jobs: count, meanError } of counting) {
    error.set({ model, estimator }, meanError);
    compared.set({ model, estimator }, count);
  }
  return { contentType: registry.contentType, text: await registry.metrics() };
}
