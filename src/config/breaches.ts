import { lightningDriver, lndSource } from './lightning-settings.ts';
import { roomBytesFor } from '../spool/spool.ts';
import { lndSocket } from '../lightning/lnd/credentials.ts';
import type { Environment } from './expansion.ts';
import { parseListen } from './fields.ts';
import { pricingBreaches } from './pricing-breaches.ts';
import type { Breach, Path } from './problem.ts';
import type { WrittenConfig } from './schema.ts';
import { LOCAL_OLLAMA_HOST, httpUrl, ollamaUrl } from './url.ts';

const LND_FILES =
  'lnd keeps them in ~/.lnd: tls.cert, and data/chain/bitcoin/<network>/*.macaroon; on Umbrel below /lnd, on Start9 below /mnt/lnd';

function* lightningBreaches(
  { enabled, lightning, data_directory }: WrittenConfig,
  env: Environment,
): Generator<Breach> {
  const driver = lightningDriver(lightning, env);
  if (driver === undefined && enabled)
    yield {
      path: ['lightning'],
      message: 'is missing: nothing can be sold without a Lightning node',
      cure: 'add lightning: with driver: lnd, or driver: embedded for play money; or set LND_GRPC_ENDPOINT',
    };
  if (driver === 'embedded') {
    const written: [Path, unknown][] = [
      [['data_directory'], data_directory],
      ...Object.entries(lightning?.lnd ?? {}).map(([key, value]): [Path, unknown] => [
        ['lightning', 'lnd', key],
        value,
      ]),
    ];
    for (const [path, value] of written)
      if (typeof value === 'string' && /mainnet/i.test(value))
        yield {
          path,
          message: 'names mainnet, but the embedded node holds play money on regtest only',
          cure: 'set lightning.driver to lnd for real money, or take this away',
        };
  }
  if (driver !== 'lnd') return;
  const lnd = lndSource(lightning, env, '/');
  const here: Path = lightning?.lnd ? ['lightning', 'lnd'] : ['lightning'];
  if (lightning?.lnd?.macaroon_path !== undefined && lightning.lnd.macaroon_hex !== undefined)
    yield { path: [...here, 'macaroon_hex'], message: 'stands next to macaroon_path', cure: 'keep one of the two' };
  else if (enabled && lnd.macaroonPath === undefined && lnd.macaroonHex === undefined)
    yield {
      path: here,
      message: 'lnd needs a macaroon',
      cure: `give macaroon_path or macaroon_hex, and cert_path; ${LND_FILES}`,
    };
  try {
    lndSocket(lnd.socket);
  } catch {
    const written = lightning?.lnd?.socket !== undefined;
    yield {
      path: written ? [...here, 'socket'] : here,
      message: written ? 'expected host:port' : 'the address of lnd in the environment is not host:port',
      cure: 'write it like 127.0.0.1:10009',
    };
  }
}

function* backendBreaches(
  { backends, llm, pricing, enabled, ...written }: WrittenConfig,
  env: Environment,
): Generator<Breach> {
  for (const [index, { name }] of (backends ?? []).entries()) {
    const first = backends!.findIndex((other) => other.name === name);
    if (first < index)
      yield {
        path: ['backends', index, 'name'],
        message: `backends[${first}] has this name too`,
        cure: 'give each backend its own name',
      };
  }
  const host = env['OLLAMA_HOST']?.trim();
  const unnamed = backends?.findIndex((backend) => backend.driver === 'ollama' && backend.url === undefined) ?? -1;
  const openai = backends === undefined && env['LCPD_BACKEND']?.trim() === 'openai';
  if (host && ollamaUrl(host) === undefined && (unnamed >= 0 || (backends === undefined && !openai)))
    yield {
      path: unnamed >= 0 ? ['backends', unnamed] : ['backends'],
      message: 'OLLAMA_HOST in the environment is no address',
      cure: `set it like ${LOCAL_OLLAMA_HOST}, or write the url here`,
    };
  const base = env['LCPD_OPENAI_BASE_URL']?.trim();
  if (openai && base && httpUrl(base) === undefined)
    yield {
      path: ['backends'],
      message: 'LCPD_OPENAI_BASE_URL in the environment is no URL',
      cure: 'set it like https://api.openai.com/v1, or describe the backend here',
    };
  const named = [llm.models, llm.chat_profiles].some((models) => Object.keys(models ?? {}).length > 0);
  const listed = [written.supported_models, written.supported_llm_chat_profiles].some(
    (models) => (models ?? []).length > 0,
  );
  if (enabled && !named && !listed && pricing.lists.length === 0)
    yield {
      path: ['pricing'],
      message: 'nothing has a price, so nothing could be sold',
      cure: 'name a price list in pricing.lists, like pricing/ollama.yaml, or prices in llm.models',
    };
}

function* sizeBreaches({ limits, deadlines, spool, health, lightning }: WrittenConfig): Generator<Breach> {
  const atLeast = (path: Path, value: number, name: string, other: number): Breach[] =>
    value >= other
      ? []
      : [{ path, message: `expected at least ${name} (${other}), got ${value}`, cure: `raise it, or lower ${name}` }];
  for (const key of ['input_memory_bytes', 'input_memory_bytes_per_peer'] as const)
    yield* atLeast(['limits', key], limits[key], 'limits.max_input_bytes', limits.max_input_bytes);
  const roomBytes = roomBytesFor(limits.max_input_bytes, limits.max_output_bytes);
  if (spool.max_bytes < roomBytes)
    yield {
      path: ['spool', 'max_bytes'],
      message: `expected at least ${roomBytes}, for one request of limits.max_input_bytes (${limits.max_input_bytes}), one answer of limits.max_output_bytes (${limits.max_output_bytes}) and the marks of its chunks, got ${spool.max_bytes}`,
      cure: 'raise it, or lower limits.max_output_bytes or limits.max_input_bytes',
    };
  yield* atLeast(['spool', 'max_bytes'], spool.max_bytes, 'spool.max_backlog_bytes', spool.max_backlog_bytes);
  const total: Path = ['deadlines', 'total_seconds'];
  yield* atLeast(total, deadlines.total_seconds, 'deadlines.first_byte_seconds', deadlines.first_byte_seconds);
  yield* atLeast(total, deadlines.total_seconds, 'deadlines.idle_seconds', deadlines.idle_seconds);
  const node = lightning?.driver !== 'lnd' && lightning?.embedded && parseListen(lightning.embedded.listen);
  if (node && node.port !== 0 && node.port === parseListen(health.listen)?.port)
    yield {
      path: ['health', 'listen'],
      message: 'lightning.embedded.listen has this port too',
      cure: 'choose another port for one of them',
    };
}

/** Rules that span several keys. */
export function* breaches(written: WrittenConfig, env: Environment): Generator<Breach> {
  yield* lightningBreaches(written, env);
  yield* backendBreaches(written, env);
  yield* sizeBreaches(written);
  yield* pricingBreaches(written.pricing);
}
