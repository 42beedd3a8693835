import type { LndCredentialSource } from '../lightning/lnd/credentials.ts';
import type { Nano } from '../money/decimal.ts';
import type { Msat } from '../money/msat.ts';
import type { TaskKind } from '../openai/request.ts';
import type { EstimatorChoice, PaymentMode, PriceList } from '../pricing/price-list.ts';
import type { RuleSettings } from '../pricing/rules.ts';
import type { ListenAddress } from './fields.ts';

/** The Lightning node. `none` only while nothing is sold (`enabled` false). */
export type LightningConfig =
  | {
      readonly driver: 'lnd';
      readonly lnd: LndCredentialSource;
      /** The macaroon may allow more than selling needs. */
      readonly allowAdminMacaroon: boolean;
    }
  | { readonly driver: 'embedded'; readonly embedded: { readonly listen: ListenAddress } }
  | { readonly driver: 'none' };

interface BackendCommon {
  readonly name: string;
  /** Jobs at once. */
  readonly slots: number;
}

/** One backend. `models`: only these; `*` stands for any characters; absent: all. */
export type BackendConfig =
  | (BackendCommon & {
      readonly driver: 'ollama';
      readonly url: string;
      /** Models in memory at once. */
      readonly loadedModels: number;
      readonly models?: readonly string[];
    })
  | (BackendCommon & {
      readonly driver: 'openai';
      readonly url: string;
      readonly apiKey?: string;
      readonly outputCapField: 'max_tokens' | 'max_completion_tokens' | 'both';
      /** Absent: the server is asked. */
      readonly taskKinds?: readonly TaskKind[];
      readonly models?: readonly string[];
    })
  | (BackendCommon & { readonly driver: 'demo'; readonly tokenDelayMs: number });

interface PolledRateConfig {
  readonly currency: string;
  /** Keys with dots between; absent: the whole text is the figure. */
  readonly jsonPath?: string;
  readonly cacheSeconds: number;
  readonly timeoutSeconds: number;
  readonly staleSeconds: number;
  readonly bounds: { readonly min?: Nano; readonly max?: Nano };
}

/** Where the rate comes from. `url` may hold a key. */
export type RateConfig =
  | { readonly source: 'fixed'; readonly currency: string; readonly nanoPerBitcoin: Nano }
  | (PolledRateConfig & { readonly source: 'file'; readonly path: string })
  | (PolledRateConfig & { readonly source: 'http'; readonly url: string });

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** The whole configuration: checked, defaults filled in, paths absolute, frozen to the last leaf. Units are in the names. */
export interface Config {
  readonly enabled: boolean;
  readonly dataDirectory: string;
  readonly quoteTtlSeconds: number;
  readonly minPriceMsat: Msat;
  readonly lightning: LightningConfig;
  readonly backends: readonly BackendConfig[];
  readonly pricing: RuleSettings & {
    /** In order of precedence, for `findPrice`; what the configuration itself says in `llm.models` is the first list, when it says anything. */
    readonly lists: readonly PriceList[];
    /** Absent: nothing is priced in another currency. */
    readonly rate?: RateConfig;
  };
  readonly llm: {
    /** For models of which nothing else is said. */
    readonly maxOutputTokens: number;
    /** For models of which nothing else is said: the first that can counts. */
    readonly estimators: readonly EstimatorChoice[];
    /** What becomes of a request for a model that is not in memory. */
    readonly coldModels: 'warm' | 'sell';
    /** What a request may hold beside what the gate knows. */
    readonly allowedRequestFields: readonly string[];
    readonly allowedToolTypes: readonly string[];
  };
  readonly payment: { readonly mode: PaymentMode; readonly holdSeconds: number };
  /** Node ids; see config.example.yaml. */
  readonly peers: {
    readonly allow: readonly string[];
    readonly deny: readonly string[];
    readonly channelOnly: boolean;
  };
  readonly limits: {
    readonly maxPayloadBytes: number;
    readonly maxInputBytes: number;
    readonly maxOutputBytes: number;
    readonly maxInflightJobs: number;
    readonly maxChoices: number;
    readonly keptForTrustedPercent: number;
    readonly requestsPerMinutePerPeer: number;
    readonly requestsPerMinute: number;
    readonly countingSecondsPerMinutePerPeer: number;
    readonly countingSecondsPerMinute: number;
    readonly modelLoadsPerMinutePerPeer: number;
    readonly modelLoadsPerMinute: number;
    readonly openInputsPerPeer: number;
    readonly openInputs: number;
    readonly inputMemoryBytesPerPeer: number;
    readonly inputMemoryBytes: number;
    readonly openQuotesPerPeer: number;
    readonly openQuotes: number;
    readonly queueLength: number;
    readonly longestWaitSeconds: number;
  };
  readonly deadlines: {
    readonly inputSeconds: number;
    readonly queueSeconds: number;
    readonly firstByteSeconds: number;
    readonly idleSeconds: number;
    readonly totalSeconds: number;
    readonly retentionSeconds: number;
    readonly drainSeconds: number;
  };
  readonly spool: { readonly maxBytes: number; readonly maxBacklogBytes: number };
  readonly health: { readonly listen: ListenAddress };
  readonly log: { readonly level: LogLevel; readonly pretty: 'auto' | boolean };
}
