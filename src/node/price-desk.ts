import type { Logger } from 'pino';
import { BackendError } from '../backend/backend.ts';
import type { BackendModel } from '../backend/backend.ts';
import { createPool } from '../backend/queueing-pool.ts';
import { systemClock } from '../clock/clock.ts';
import type { BackendConfig, Config } from '../config/config.ts';
import type { Rate } from '../pricing/rate.ts';
import { findSale } from '../pricing/sale.ts';
import type { PriceOffer } from '../storefront/price-offer.ts';
import { openBackends } from './backends.ts';
import { openCounting } from './counting.ts';
import { createOffer } from './offer.ts';
import { openRates } from './rates.ts';

/** What a backend says that it has. */
export interface Told {
  readonly backend: string;
  /** Those that the configuration leaves out, too. */
  readonly models: readonly BackendModel[];
  /** Why it told none. Absent: it answered. */
  readonly fault?: string;
}

/** The offer of a configuration without a node and a ledger: to look at prices beforehand. */
export interface PriceDesk {
  readonly offer: PriceOffer;
  readonly told: readonly Told[];
  /** The models that the configuration does not leave out. */
  readonly pooled: readonly string[];
  readonly rate: Rate | undefined;
  /** Finds out by whom the input of one model is counted, and logs who can't. */
  prepareCounting(model: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Asks the backends for their models and the rate source for its rate, once. Backends that do not answer are in `told`. */
export async function openPriceDesk(config: Config, log: Logger, jobsUnderWay: number): Promise<PriceDesk> {
  const clock = systemClock;
  const members = openBackends(config, clock);
  const pool = createPool({ members, clock, maxQueueLength: 0 });
  const counting = openCounting({ backends: config.backends, clock, log });
  const rates = openRates(config.pricing.rate, clock, log);
  const [told] = await Promise.all([
    Promise.all(
      members.map(async ({ backend }): Promise<Told> => {
        try {
          return { backend: backend.name, models: await backend.models() };
        } catch (error) {
          return {
            backend: backend.name,
            models: [],
            fault: faultText(
              error,
              config.backends.find(({ name }) => name === backend.name),
            ),
          };
        }
      }),
    ),
    pool.start(),
    rates?.start(),
  ]);
  const { offer } = createOffer({
    settings: { ...config, enabled: true }, // what it would sell
    pool,
    counting,
    ...(rates && { rates }),
    clock,
    jobsUnderWay: () => jobsUnderWay,
  });
  return {
    offer,
    told,
    pooled: pool.models().map(({ id }) => id),
    rate: rates?.rate(),
    prepareCounting: async (model, signal) => {
      const sale = findSale(config.pricing.lists, model);
      const kinds = offer.taskKinds.filter((taskKind) => offer.availability(taskKind, model) === 'on sale');
      if (sale === undefined || kinds.length === 0) return;
      await counting.prepare(sale.backendModel, kinds, sale.entry.estimators ?? config.llm.estimators, signal);
    },
    close: async () => {
      rates?.close();
      await pool.close();
      await counting.close();
    },
  };
}

/** What went wrong, where, and what to do. */
function faultText(error: unknown, backend: BackendConfig | undefined): string {
  const what = error instanceof Error ? error.message : String(error);
  if (backend === undefined || backend.driver === 'demo') return what;
  const told = `${what}, at ${backend.url}`;
  if (error instanceof BackendError && error.status !== undefined) return told;
  const orHost = backend.driver === 'ollama' ? ', else OLLAMA_HOST,' : '';
  return `${told}. Is it running? Its url: in the configuration${orHost} says where it is looked for`;
}
