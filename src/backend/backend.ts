import type { ImageTokens } from '../openai/image.ts';
import type { Capability, OutputCapField, TaskKind } from '../openai/request.ts';

export type { Capability, OutputCapField, TaskKind } from '../openai/request.ts';

export interface BackendModel {
  readonly id: string;
  /** The same for all names of one model; absent: unknown. */
  readonly digest?: string;
  /** What it can do, of what is known here; absent when the backend does not tell. */
  readonly capabilities?: readonly Capability[];
  /** The kinds of work that its server takes, whatever the model could do; absent: every kind. */
  readonly taskKinds?: readonly TaskKind[];
  /** Tokens that prompt and output together may have as loaded now; absent when the backend does not tell. */
  readonly contextTokens?: number;
  /** Those that an image takes of them; absent when the backend does not tell. */
  readonly imageTokens?: ImageTokens;
  /** False: the model must be loaded first, which takes long. Absent: unknown. */
  readonly warm?: boolean;
}

export interface BackendRequest {
  readonly taskKind: TaskKind;
  readonly model: string;
  /** The exact JSON body that goes upstream, UTF-8. */
  readonly body: Uint8Array;
  readonly stream: boolean;
}

/** The first byte of an answer, or the next one. */
export type Missed = 'first-byte' | 'next-byte';

/** Ours or the backend's fault; the buyer is not charged. `retryable`: nothing was produced and another attempt may succeed. */
export class BackendError extends Error {
  readonly retryable: boolean;
  /** HTTP status of the backend's answer, when there was one. */
  readonly status: number | undefined;
  /** The deadline that it missed, when that is what went wrong. */
  readonly missed: Missed | undefined;
  constructor(message: string, options: { retryable: boolean; status?: number; missed?: Missed; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'BackendError';
    this.retryable = options.retryable;
    this.status = options.status;
    this.missed = options.missed;
  }
}

/** The body of a successful answer, byte for byte as it arrived. */
export interface BackendAnswer {
  /** As the storefront declares it: `application/json; charset=utf-8` or `text/event-stream; charset=utf-8`. */
  readonly contentType: string;
  /**
   * The body's bytes as they arrive, to be read once; throws BackendError when it breaks or idles too long. Stopping the iteration
   * aborts upstream. Whoever never begins to read has to abort the signal instead.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Something that runs inference. Drivers: Ollama, any OpenAI-compatible server, the built-in demo. */
export interface Backend {
  readonly name: string;
  /** The field by which this server is told how much it may produce, where a request leaves it open. */
  readonly outputCapField: OutputCapField;
  /** Runs one request; resolves once the answer's first byte is there. Rejects with BackendError. Aborting `signal` aborts the work upstream at once. */
  run(request: BackendRequest, signal: AbortSignal): Promise<BackendAnswer>;
  /** The models that are there now. Rejects with BackendError when the backend does not answer. */
  models(): Promise<BackendModel[]>;
  /** Has a model loaded, and does nothing else; resolves once it is. Rejects with BackendError. Absent: warmth means nothing to this backend. */
  warm?(model: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
