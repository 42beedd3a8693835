import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { systemClock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { createLog } from '../node/log.ts';
import type { PriceSettings } from '../node/offer.ts';
import type { ProviderNode } from '../node/provider-node.ts';
import { exitCodeOf, failWith } from './exit-code.ts';
import { listenToSignals } from './serve-signals.ts';
import { configOption } from './with-books.ts';

const EXAMPLES = `
Examples:
  lcp-provider serve                              with ./config.yaml
  lcp-provider serve --config /etc/lcp/config.yaml

Prices are taken anew whenever the configuration or a price list changes, and on SIGHUP; lists with errors are told, and the old prices stay.
One SIGTERM (or Ctrl-C) drains: no new quotes, paid jobs finish. A second one ends at once; nothing that was paid is lost.
On a terminal SIGHUP drains too, as it is sent when the terminal is closed.
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
  const onSignals = listenToSignals(log, config.deadlines.drainSeconds);
  // Loaded here: drivers and servers take a second, which the operator's other commands should not wait for.
  const [{ openLightning }, { startProvider }, { PriceReload }, { createHealthServer }] = await Promise.all([
    import('../node/lightning-node.ts'),
    import('../node/provider-node.ts'),
    import('../node/price-reload.ts'),
    import('../operator/health-server.ts'),
  ]);
  const lightning = await openLightning(config.lightning, config.dataDirectory, log);
  // Before anything is sold: an address that is taken shall not stop a provider that already has buyers.
  let serving: ProviderNode | undefined;
  const health = createHealthServer(() => serving?.health());
  await health.listen({ ...config.health.listen }).catch((error: unknown) => {
    throw new Error(cureOf(error, config.health.listen), { cause: error });
  });
  const provider = await startProvider({ config, lightning, log, onFatal });
  serving = provider;
  const onPrices = (prices: PriceSettings): void => provider.reprice(prices);
  const reload = new PriceReload({ loaded, env: process.env, clock: systemClock, log, onPrices });
  reload.start();
  const drain = async (limitMs: number): Promise<void> => {
    reload.close();
    await provider.drain(limitMs);
    await health.close();
    await provider.close();
  };
  onSignals({ drain, reload: () => reload.reload() });
  announce(config, provider, { address: lightning.address, healthUrl: health.listeningOrigin });
}

function cureOf(error: unknown, { host, port }: { host: string; port: number }): string {
  const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const cure = isTaken ? 'is another copy running? Choose another address' : 'choose an address of this machine';
  return `health.listen ${host}:${port} cannot be used (${(error as NodeJS.ErrnoException).code}): ${cure} in the configuration`;
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
