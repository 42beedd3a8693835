import { msat } from '../money/msat.ts';
import type { PriceList } from '../pricing/price-list.ts';
import { backendSettings } from './backend-settings.ts';
import type { BackendConfig, Config, LogLevel } from './config.ts';
import { defaultEstimators, estimatorChoices } from './estimator-schema.ts';
import type { Environment } from './expansion.ts';
import { parseListen } from './fields.ts';
import { lightningSettings } from './lightning-settings.ts';
import { pathFrom } from './path-from.ts';
import { hoursSettings, rateSettings, surgeSettings } from './pricing-settings.ts';
import { DEFAULT_QUOTE_TTL_SECONDS } from './schema.ts';
import type { WrittenConfig } from './schema.ts';

const LEVELS: ReadonlySet<string> = new Set<LogLevel>(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

function logLevel(written: LogLevel | undefined, env: Environment): LogLevel {
  const named = env['LCPD_LOG_LEVEL']?.trim().toLowerCase() ?? '';
  return written ?? (LEVELS.has(named) ? (named as LogLevel) : 'info');
}

/** Drivers whose servers run no tool by themselves, whatever a request lists. */
const runsNoTools = ({ driver }: BackendConfig): boolean => driver === 'ollama' || driver === 'demo';

/** The checked values as the program wants them. */
export function settings(
  written: WrittenConfig,
  env: Environment,
  directory: string,
  lists: readonly PriceList[],
): Config {
  const { limits, deadlines, spool, pricing, peers } = written;
  const inFlightSurge = surgeSettings(pricing);
  const hours = hoursSettings(pricing);
  const rate = rateSettings(pricing, directory);
  const backends = backendSettings(written, env);
  return {
    enabled: written.enabled,
    dataDirectory: pathFrom(directory, written.data_directory),
    quoteTtlSeconds: written.quote_ttl_seconds || DEFAULT_QUOTE_TTL_SECONDS,
    minPriceMsat: msat(written.min_price_msat),
    lightning: lightningSettings(written, env, directory),
    backends,
    pricing: {
      lists,
      ...(inFlightSurge && { inFlightSurge }),
      ...(hours && { hours }),
      ...(rate && { rate }),
    },
    llm: {
      maxOutputTokens: written.llm.max_output_tokens,
      estimators: written.llm.estimator
        ? estimatorChoices(written.llm.estimator, directory)
        : defaultEstimators(backends),
      coldModels: written.llm.cold_models,
      allowedRequestFields: written.llm.allowed_request_fields,
      allowedToolTypes: written.llm.allowed_tool_types ?? (backends.every(runsNoTools) ? ['web_search'] : []),
    },
    payment: {
      mode: written.payment.mode,
      // A hold serves no purpose beyond the time that an answer may take in all.
      holdSeconds: Math.min(written.payment.hold_seconds, deadlines.total_seconds),
    },
    peers: { allow: peers.allow, deny: peers.deny, channelOnly: peers.channel_only },
    limits: {
      maxPayloadBytes: limits.max_payload_bytes,
      maxInputBytes: limits.max_input_bytes,
      maxOutputBytes: limits.max_output_bytes,
      maxInflightJobs: limits.max_inflight_jobs,
      maxChoices: limits.max_choices,
      keptForTrustedPercent: limits.kept_for_trusted_percent,
      requestsPerMinutePerPeer: limits.requests_per_minute_per_peer,
      requestsPerMinute: limits.requests_per_minute,
      countingSecondsPerMinutePerPeer: limits.counting_seconds_per_minute_per_peer,
      countingSecondsPerMinute: limits.counting_seconds_per_minute,
      modelLoadsPerMinutePerPeer: limits.model_loads_per_minute_per_peer,
      modelLoadsPerMinute: limits.model_loads_per_minute,
      openInputsPerPeer: limits.open_inputs_per_peer,
      openInputs: limits.open_inputs,
      inputMemoryBytesPerPeer: limits.input_memory_bytes_per_peer,
      inputMemoryBytes: limits.input_memory_bytes,
      openQuotesPerPeer: limits.open_quotes_per_peer,
      openQuotes: limits.open_quotes,
      queueLength: limits.queue_length,
      longestWaitSeconds: limits.longest_wait_seconds,
    },
    deadlines: {
      inputSeconds: deadlines.input_seconds,
      queueSeconds: deadlines.queue_seconds,
      firstByteSeconds: deadlines.first_byte_seconds,
      idleSeconds: deadlines.idle_seconds,
      totalSeconds: deadlines.total_seconds,
      retentionSeconds: deadlines.retention_seconds,
      drainSeconds: deadlines.drain_seconds,
    },
    spool: { maxBytes: spool.max_bytes, maxBacklogBytes: spool.max_backlog_bytes },
    health: { listen: parseListen(written.health.listen)! },
    log: { level: logLevel(written.log.level, env), pretty: written.log.pretty },
  };
}
