import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { NodeId } from '../lightning/lightning.ts';
import type { Msat } from '../money/msat.ts';
import { kinds } from '../openai/request.ts';
import { decodeModelParams } from '../protocol/params.ts';
import type { Version } from '../protocol/messages.ts';
import type { Session } from '../session/session.ts';
import { BuyerError } from './buyer-error.ts';
import type { Bought, Requester } from './requester.ts';

/** What was bought: paid already; the answer may be under way still. */
export type Sale = Pick<Bought, 'jobId' | 'priceMsat' | 'done'>;

export interface GatewayOptions {
  readonly requester: Requester;
  readonly session: Session;
  readonly provider: NodeId;
  readonly version: Version;
  readonly maxPriceMsat: Msat;
  readonly maxBodyBytes: number;
  readonly log: Logger;
  /** Told of each sale that a request led to. */
  readonly onSale?: (sale: Sale) => void;
}

/** Codes that no client retries: a paid answer must not be bought thirty times. */
const statusOf: Record<BuyerError['code'], number> = {
  'no-provider': 503,
  refused: 400,
  'bad-quote': 502,
  'too-expensive': 429,
  timeout: 504,
  'payment-failed': 502,
  'payment-unknown': 502,
  cancelled: 499,
  failed: 502,
};

/** An OpenAI-compatible endpoint that buys each answer from a provider over Lightning and hands its bytes through unchanged. */
export function createGateway(options: GatewayOptions): FastifyInstance {
  const app = fastify({ bodyLimit: options.maxBodyBytes, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  for (const [taskKind, { path }] of Object.entries(kinds)) {
    app.post(`/v1${path}`, (request, reply) => buy(options, taskKind, request, reply));
  }
  app.get('/v1/models', () => ({
    object: 'list',
    data: modelsOf(options).map((id) => ({ id, object: 'model', created: 0, owned_by: options.provider })),
  }));
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    reply.code(error.statusCode ?? 500).send(errorBody(error.message, 'gateway_error')),
  );
  return app;
}

async function buy(
  options: GatewayOptions,
  taskKind: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const input = request.body;
  const model = Buffer.isBuffer(input) ? modelOf(input) : undefined;
  if (!Buffer.isBuffer(input) || model === undefined)
    return reply.code(400).send(errorBody('the body must be a JSON object with a "model"', 'invalid_request_error'));
  const abort = new AbortController();
  reply.raw.on('close', () => abort.abort());
  const { requester, provider: peer, version, maxPriceMsat } = options;
  try {
    const bought = await requester.buy({ peer, version, taskKind, model, input, maxPriceMsat }, abort.signal);
    options.onSale?.(bought);
    reply
      .header('content-type', bought.contentType)
      .header('x-lcp-job-id', bought.jobId)
      .header('x-lcp-price-msat', bought.priceMsat.toString());
    return reply.send(bought.body);
  } catch (error) {
    if (!(error instanceof BuyerError)) throw error;
    options.log.info({ code: error.code, provider_error: error.providerError }, 'purchase failed');
    const status = error.providerError === 'rate-limited' ? 429 : statusOf[error.code];
    if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
    return reply
      .code(status)
      .send(errorBody(error.message, error.code === 'too-expensive' ? 'insufficient_quota' : error.code));
  }
}

function modelOf(body: Buffer): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    const model = typeof parsed === 'object' && parsed !== null && 'model' in parsed ? parsed.model : undefined;
    return typeof model === 'string' && model !== '' ? model : undefined;
  } catch {
    return undefined;
  }
}

/** v0.2 providers list a template per model; v0.3 has no models in its manifest, so what the v0.2 one says is used for both. */
function modelsOf({ session, provider }: GatewayOptions): string[] {
  const models = new Set<string>();
  for (const task of session.manifestOf(provider, 2)?.tasks ?? []) {
    const params = decodeModelParams(task.paramsTemplate ?? new Uint8Array());
    if ('model' in params) models.add(params.model);
  }
  return [...models];
}

const errorBody = (message: string, code: string) => ({ error: { message, type: code, code, param: null } });
