import { Command } from 'commander';
import type { Logger } from 'pino';
import { loadConfig } from '../config/load.ts';
import { systemClock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { createLog } from '../node/log.ts';
import type { PriceSettings } from '../node/offer.ts';
import type { ProviderNode } from '../node/provider-node.ts';
import { EXIT, exitCodeOf, failWith } from './exit-code.ts';
import { configOption } from './with-books.ts';

const EXAMPLES = `
Examples:
  lcp-provider serve                              with ./config.yaml
  lcp-provider serve --config /etc/lcp/config.yaml

Prices are taken anew whenever the configuration or a price list changes, and on SIGHUP; lists with errors are told, and the old prices stay.
One SIGTERM (or Ctrl-C) drains: no new quotes, paid jobs finish. A second one ends at once; nothing that was paid is lost.
`;

export function serveCommand(): Command {
  return new Command('serve')
    .description('Start selling.')
    .addOption(configOption())
    .addHelpText('after', EXAMPLES)
    .action((options: { config: string }) => serve(options.config).catch(failWith));
}

async function serve(path: string): Promise<void> {
  const loaded = loadConfig({ path, env: process.env });
  const { config, warnings } = loaded;
  const log = createLog({
    level: config.log.level,
    pretty: config.log.pretty === true || (config.log.pretty === 'auto' && process.stderr.isTTY),
  });
  for (const warning of warnings) log.warn(warning);
  const onFatal = (error: Error) => {
    log.fatal({ reason: error.message }, 'the ledger is lost to this process: ending; what was saved is safe');
    process.exit(exitCodeOf(error));
  };
  const stopper = stopOnSignal(log, config.deadlines.drainSeconds);
  // Loaded here: drivers and servers take a second, which the operator's other commands should not wait for.
  const [{ openLightning }, { startProvider }, { PriceReload }, { createHealthServer }] = await Promise.all([
    import('../node/lightning-node.ts'),
    import('../node/provider-node.ts'),
    import('../node/price-reload.ts'),
    import('../operator/health-server.ts'),
  ]);
  const lightning = await openLightning(config.lightning, config.dataDirectory, log);
  const provider = await startProvider({ config, lightning, log, onFatal });
  const health = createHealthServer(() => provider.health());
  await health.listen({ ...config.health.listen }).catch((error: unknown) => {
    throw new Error(cureOf(error, config.health.listen), { cause: error });
  });
  const onPrices = (prices: PriceSettings): void => provider.reprice(prices);
  const reload = new PriceReload({ loaded, env: process.env, clock: systemClock, log, onPrices });
  reload.start();
  if (!process.stdout.isTTY) process.on('SIGHUP', () => reload.reload());
  stopper.drain(async (limitMs) => {
    reload.close();
    await provider.drain(limitMs);
    await health.close();
    await provider.close();
  });
  announce(config, provider, { address: lightning.address, healthUrl: health.listeningOrigin });
}

function cureOf(error: unknown, { host, port }: { host: string; port: number }): string {
  const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const cure = isTaken ? 'is another copy running? Choose another address' : 'choose an address of this machine';
  return `health.listen ${host}:${port} cannot be used (${(error as NodeJS.ErrnoException).code}): ${cure} in the configuration`;
}

/** npm and systemd send one to the whole process group, and the program that started this one passes it on too. */
const SAME_SIGNAL_MS = 250;

/** The first signal drains, the second ends at once, and so does the first while nothing serves yet. */
function stopOnSignal(log: Logger, limitSeconds: number): { drain(how: (limitMs: number) => Promise<void>): void } {
  let drain: ((limitMs: number) => Promise<void>) | undefined;
  let stoppingSinceMs: number | undefined;
  const stop = async (signal: string): Promise<void> => {
    if (drain === undefined) process.exit(EXIT.ok);
    if (stoppingSinceMs !== undefined) {
      if (performance.now() - stoppingSinceMs < SAME_SIGNAL_MS) return;
      log.warn('stopped at once; paid jobs go on at the next start');
      process.exit(EXIT.failed);
    }
    stoppingSinceMs = performance.now();
    log.info({ signal, limit_seconds: limitSeconds }, 'draining: no new quotes, paid jobs finish');
    await drain(limitSeconds * 1000);
    log.info('stopped');
    process.exit(EXIT.ok);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal).catch(failWith));
  return { drain: (how) => (drain = how) };
}

/** A line for eyes on a terminal, one JSON object in a pipe: where this node can be reached, and what it sells. */
function announce(config: Config, provider: ProviderNode, where: { address: string; healthUrl: string }): void {
  const { lightning, models } = provider.health();
  if (process.stdout.isTTY) {
    const at = where.address === '' ? '' : `@${where.address}`;
    process.stdout.write(
      `Selling ${models.length === 0 ? 'nothing yet (no model has both a backend and a price)' : models.join(', ')}\n`,
    );
    process.stdout.write(
      `  node     ${lightning.nodeId}${at} (${lightning.driver})\n  health   ${where.healthUrl}/healthz\n  data     ${config.dataDirectory}\n`,
    );
    return;
  }
  process.stdout.write(
    `${JSON.stringify({ event: 'ready', node_id: lightning.nodeId, address: where.address, health: where.healthUrl, models })}\n`,
  );
}
