import { X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { AuthenticatedLnd } from 'lightning';
import { CustomMessages } from './custom-messages.ts';
import { GrpcChannel } from './grpc-channel.ts';

/** A call with one answer, as the package `lightning` generates it from lnd's proto files. */
type Unary<Q, A> = (request: Q, done: (error: unknown, answer: A) => void) => unknown;

/** A call with a stream of answers. It ends with 'end' or 'error'; an 'error' nobody listens to would end the process. */
export interface AnswerStream<A> {
  on(event: 'data', listener: (answer: A) => void): this;
  on(event: 'error', listener: (error: unknown) => void): this;
  on(event: 'end', listener: () => void): this;
  cancel(): void;
}
type Streaming<Q, A> = (request: Q) => AnswerStream<A>;

/** lnrpc.Invoice, as far as we read it. Integers of 64 bits are decimal strings. */
export interface RawInvoice {
  readonly memo: string;
  readonly r_hash: Buffer;
  readonly payment_request: string;
  readonly state: 'OPEN' | 'ACCEPTED' | 'SETTLED' | 'CANCELED';
  readonly amt_paid_msat: string;
  readonly settle_index: string;
  readonly htlcs: readonly { readonly state: 'ACCEPTED' | 'SETTLED' | 'CANCELED'; readonly amt_msat: string }[];
}

/** lnrpc.Payment, as far as we read it. */
export interface RawPayment {
  readonly status: 'UNKNOWN' | 'INITIATED' | 'IN_FLIGHT' | 'SUCCEEDED' | 'FAILED';
  readonly payment_preimage: string;
  readonly fee_msat: string;
  readonly failure_reason: string;
}

interface NewRawInvoice {
  readonly memo: string;
  readonly description_hash: Buffer;
  readonly value_msat: string;
  readonly expiry: number;
  readonly private: boolean;
}
interface MadeInvoice {
  readonly payment_request: string;
}
interface InvoicePage {
  readonly invoices: readonly RawInvoice[];
  readonly last_index_offset: string;
}
interface PaymentOrder {
  readonly payment_request: string;
  readonly fee_limit_msat: string;
  readonly timeout_seconds: number;
  readonly max_parts: number;
  readonly no_inflight_updates: boolean;
  readonly cancelable: boolean;
}

/** lnrpc.Lightning: the calls where a method of `lightning` would lose something; each use says what. */
export interface RawLightning {
  readonly addInvoice: Unary<NewRawInvoice & { readonly r_preimage: Buffer }, MadeInvoice>;
  readonly lookupInvoice: Unary<{ readonly r_hash: Buffer }, RawInvoice>;
  readonly listInvoices: Unary<
    { readonly index_offset: string; readonly num_max_invoices: number; readonly creation_date_start: number },
    InvoicePage
  >;
  readonly subscribeInvoices: Streaming<{ readonly settle_index?: string }, RawInvoice>;
  readonly subscribePeerEvents: Streaming<object, { readonly pub_key: string; readonly type: string }>;
}
/** invoicesrpc.Invoices. */
export interface RawInvoices {
  readonly addHoldInvoice: Unary<NewRawInvoice & { readonly hash: Buffer; readonly cltv_expiry: number }, MadeInvoice>;
  readonly settleInvoice: Unary<{ readonly preimage: Buffer }, unknown>;
  readonly subscribeSingleInvoice: Streaming<{ readonly r_hash: Buffer }, RawInvoice>;
}
export interface RawRouter {
  readonly sendPaymentV2: Streaming<PaymentOrder, RawPayment>;
  readonly trackPaymentV2: Streaming<
    { readonly payment_hash: Buffer; readonly no_inflight_updates: boolean },
    RawPayment
  >;
}

export interface Connection {
  /** For the methods of the package `lightning`. */
  readonly lnd: AuthenticatedLnd;
  readonly lightning: RawLightning;
  readonly invoices: RawInvoices;
  readonly router: RawRouter;
  readonly messages: CustomMessages;
  /** No call may be under way or follow: grpc-js throws then, inside callbacks too. */
  close(): void;
}

type ChannelOptions = Readonly<Record<string, number | string>>;

/** Every call with one answer ends after this; lnd has none of its own, and `lightning` sets none. */
const CALL_TIMEOUT_MS = 20_000;

/**
 * Keepalive: without it a dead link gave no event for minutes. lnd allows a ping per 5 s, and by default none while no call is
 * open (`grpc.client-ping-min-wait`, `grpc.client-allow-ping-without-stream`); it disconnects whoever pings more. So none without
 * calls: a started node always has its streams open. Reconnect back-off: grpc-js waits up to 120 s by itself, and fails every
 * call meanwhile. Proxy: lnd is ours and near; an HTTP proxy set for downloads must not catch its calls. Window: 64 KiB per
 * round trip would be little when lnd is a network away.
 */
const KEEPALIVE = { everyMs: 6000, timeoutMs: 3000 };
const WINDOW_BYTES = 1024 * 1024;
const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.keepalive_time_ms': KEEPALIVE.everyMs,
  'grpc.keepalive_timeout_ms': KEEPALIVE.timeoutMs,
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 5000,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc-node.flow_control_window': WINDOW_BYTES,
};

interface CallOptions {
  readonly deadline?: unknown;
  readonly method_definition: { readonly responseStream: boolean };
}
const withDeadline = (options: CallOptions, next: (options: CallOptions) => unknown): unknown =>
  next(
    options.method_definition.responseStream || options.deadline !== undefined
      ? options
      : { ...options, deadline: Date.now() + CALL_TIMEOUT_MS },
  );

/** `authenticatedLndGrpc` takes no channel options, so this builds the clients from the same parts of the same package. */
const load = createRequire(import.meta.url);
const apiForProto = load('lightning/lnd_grpc/api_for_proto.js') as (args: object) => { close(): void };
const grpcCredentials = load('lightning/lnd_grpc/grpc_credentials.js') as (args: {
  readonly cert?: string;
  readonly macaroon: string;
}) => { readonly credentials: object };
const { packageTypes, protoFiles } = load('lightning/grpc/grpc_services.json') as {
  readonly packageTypes: Readonly<Record<string, string>>;
  readonly protoFiles: Readonly<Record<string, string>>;
};
const protos = join(dirname(load.resolve('lightning/grpc/grpc_services.json')), 'protos');

/**
 * When lnd's own certificate is given, only its holder can answer, whatever the address: the name to check is then one out of the
 * certificate. So lnd may be reached by an address that it did not know when it made its certificate (containers, LAN).
 */
function ownName(cert: Buffer | undefined): string | undefined {
  if (!cert) return undefined;
  const certificate = new X509Certificate(cert);
  const name = /DNS:([^,\s"]+)/.exec(certificate.subjectAltName ?? '')?.[1];
  return name && certificate.checkIssued(certificate) ? name : undefined;
}

/** Makes the gRPC clients, which connect at their first call. All of them share one connection, but for the messages. */
export function connectionTo(socket: string, cert: Buffer | undefined, macaroonHex: string): Connection {
  const serverName = ownName(cert);
  const { credentials } = grpcCredentials({
    ...(cert && { cert: cert.toString('base64') }),
    macaroon: macaroonHex,
  });
  const target = serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName };
  const params = { ...CHANNEL_OPTIONS, ...target, interceptors: [withDeadline] };
  const client = (service: string) => {
    const [type, file] = [packageTypes[service], protoFiles[service]];
    if (!type || !file) throw new Error(`the package lightning knows no service ${service}`);
    return apiForProto({ credentials, params, service, type, path: join(protos, file), socket });
  };
  const clients = { default: client('Lightning'), invoices: client('Invoices'), router: client('Router') };
  const messages = new CustomMessages(
    new GrpcChannel({
      url: `https://${socket}`,
      cert,
      serverName,
      macaroonHex,
      callTimeoutMs: CALL_TIMEOUT_MS,
      keepalive: KEEPALIVE,
      windowBytes: WINDOW_BYTES,
    }),
  );
  return {
    lnd: clients as unknown as AuthenticatedLnd,
    lightning: clients.default as unknown as RawLightning,
    invoices: clients.invoices as unknown as RawInvoices,
    router: clients.router as unknown as RawRouter,
    messages,
    close: () => [...Object.values(clients), messages].forEach((each) => each.close()),
  };
}

/** One call as a promise. `service` and not the bare method: the generated methods need their `this`. */
export const call = <Q, A>(service: object, method: Unary<Q, A>, request: Q): Promise<A> =>
  new Promise((resolve, reject) => {
    method.call(service, request, (error, answer) => {
      if (error) reject(error as Error);
      else resolve(answer);
    });
  });
