import type { Hex32 } from './hex.ts';

export type { Hex32 } from './hex.ts';

/** 2 is LCP v0.2, 3 is LCP v0.3. */
export type Version = 2 | 3;

/** What every message but the manifest carries: LCP v0.2 §4.2, v0.3 §3.5. In v0.3 `jobId` is the call_id. */
export interface Envelope {
  readonly jobId: Hex32;
  readonly msgId: Hex32;
  /** Unix seconds. */
  readonly expiryS: bigint;
}

/** What a provider offers, one element of TLV 12: a task template of v0.2, a method descriptor of v0.3. */
export interface Task {
  readonly taskKind: string;
  /** v0.2 only. */
  readonly paramsTemplate?: Uint8Array;
  /** This and all that follow: v0.3 only. */
  readonly requestContentTypes?: readonly string[];
  readonly responseContentTypes?: readonly string[];
  readonly docsUri?: string;
  readonly docsSha256?: Hex32;
  readonly policyNotice?: string;
}

/** `version` follows from the message's type number; `protocolVersion` is what its TLV 1 says. */
interface Common<K extends string> {
  readonly kind: K;
  readonly version: Version;
  readonly protocolVersion: number;
}

/** LCP v0.2 §5.1, v0.3 §4.1. No tasks and no list of tasks are the same thing. */
export interface Manifest extends Common<'manifest'> {
  readonly maxPayloadBytes: number;
  readonly maxStreamBytes: bigint;
  readonly maxJobBytes: bigint;
  readonly maxInflightJobs?: number;
  readonly tasks: readonly Task[];
}

/** LCP v0.2 §5.2; lcp_call of v0.3 §5.1. */
export interface QuoteRequest extends Common<'quote-request'>, Envelope {
  readonly taskKind: string;
  readonly params?: Uint8Array;
  /** v0.3 only. */
  readonly paramsContentType?: string;
}

/** LCP v0.2 §5.3, v0.3 §5.2. */
export interface Quote extends Common<'quote'>, Envelope {
  readonly priceMsat: bigint;
  readonly quoteExpiryS: bigint;
  readonly termsHash: Hex32;
  readonly paymentRequest: string;
  /** v0.3 only: both or neither. */
  readonly responseContentType?: string;
  readonly responseContentEncoding?: string;
}

/** LCP v0.2 §5.5.3, v0.3 §6.3. A v0.2 input must have both optional fields; its receiver answers invalid_state. */
export interface StreamBegin extends Common<'stream-begin'>, Envelope {
  readonly streamId: Hex32;
  readonly streamKind: 'input' | 'result';
  readonly totalBytes?: bigint;
  readonly sha256?: Hex32;
  readonly contentType: string;
  readonly contentEncoding: string;
}

/** LCP v0.2 §5.5.4, v0.3 §6.4. A decoded `data` is a view of the payload: copy it to keep it. */
export interface StreamChunk extends Common<'stream-chunk'>, Envelope {
  readonly streamId: Hex32;
  readonly seq: number;
  readonly data: Uint8Array;
}

/** LCP v0.2 §5.5.5, v0.3 §6.5. */
export interface StreamEnd extends Common<'stream-end'>, Envelope {
  readonly streamId: Hex32;
  readonly totalBytes: bigint;
  readonly sha256: Hex32;
}

/** What a result says about the stream that was delivered. */
export interface ResultStream {
  readonly streamId: Hex32;
  readonly sha256: Hex32;
  readonly totalBytes: bigint;
  readonly contentType: string;
  readonly contentEncoding: string;
}

/** LCP v0.2 §5.4; lcp_complete of v0.3 §5.3. `stream` is required when ok; otherwise v0.3 only. No message when ok. */
export interface Result extends Common<'result'>, Envelope {
  readonly status: 'ok' | 'failed' | 'cancelled';
  readonly stream?: ResultStream;
  readonly message?: string;
}

/** LCP v0.2 §5.6, v0.3 §8.1. */
export interface Cancel extends Common<'cancel'>, Envelope {
  readonly reason?: string;
}

/** LCP v0.2 §5.7, v0.3 §8.2. */
export interface ErrorMessage extends Common<'error'>, Envelope {
  readonly code: number;
  readonly message?: string;
}

export type Message =
  Manifest | QuoteRequest | Quote | StreamBegin | StreamChunk | StreamEnd | Result | Cancel | ErrorMessage;

export type Kind = Message['kind'];

/** The message of a kind, without what its type number says. */
export type Body<K extends Kind> = Omit<Extract<Message, { kind: K }>, 'kind' | 'version'>;

/** A payload under one of our type numbers which is not a message: another program's, or a broken one. */
export interface Undecodable {
  readonly kind: 'undecodable';
  readonly reason: string;
}

/** A type number that LCP does not use. */
export interface NotOurs {
  readonly kind: 'not-ours';
}
