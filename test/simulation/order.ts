import { createHash } from 'node:crypto';
import { IDENTITY_ENCODING, JSON_CONTENT_TYPE } from '../../src/protocol/content-type.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { encodeModelParams } from '../../src/protocol/params.ts';
import type { Random } from './random.ts';
import type { Sale } from './sale.ts';
import { MODEL } from './sim-backend.ts';

const TASK = 'openai.chat_completions.v1';

/** A message before it is put into its envelope. */
export interface Draft {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** A request and its input, with the mishap that is planned for it: the first time, or when it is asked again. */
export function orderMessages(sale: Sale, random: Random): Draft[] {
  const { plan, jobId, hasAsked } = sale;
  const body = bodyOf(sale);
  const isDue = plan.mishap === 'other terms' ? hasAsked && random.chance(0.7) : !hasAsked;
  const mishap = isDue ? plan.mishap : 'none';
  const streamId = !hasAsked || random.chance(0.7) ? idOf(`${sale.label} input`) : random.hex32();
  const params = encodeModelParams(mishap === 'other terms' ? 'other-model' : MODEL);
  const sha256 = idOf(body);
  const totalBytes = BigInt(body.length);
  const begin = { kind: 'stream-begin', jobId, streamId, streamKind: 'input', totalBytes, sha256 };
  const input: Draft[] = [{ ...begin, contentType: JSON_CONTENT_TYPE, contentEncoding: IDENTITY_ENCODING }];
  for (let seq = 0; seq * plan.chunkBytes < body.length; seq++) {
    const data = body.slice(seq * plan.chunkBytes, (seq + 1) * plan.chunkBytes);
    if (mishap === 'input altered') data[0] = 0x20;
    input.push({ kind: 'stream-chunk', jobId, streamId, seq, data });
  }
  if (mishap !== 'input cut') input.push({ kind: 'stream-end', jobId, streamId, totalBytes, sha256 });
  const request = { kind: 'quote-request', jobId, taskKind: TASK, params };
  if (mishap === 'no input') return [request];
  return [request, ...input, ...(mishap === 'input twice' ? input : [])];
}

const idOf = (of: string | Uint8Array): string => createHash('sha256').update(of).digest('hex');

function bodyOf({ label, plan }: Sale): Uint8Array {
  const { isStream, wantsUsage, inputBytes } = plan;
  const content = `sale ${label} ${'x'.repeat(inputBytes)}`;
  const body = { model: MODEL, messages: [{ role: 'user', content }], max_tokens: 40, stream: isStream };
  return Buffer.from(
    JSON.stringify(isStream && wantsUsage ? { ...body, stream_options: { include_usage: true } } : body),
  );
}

/** A message, as the story tells it. */
export function describe(message: Exclude<Message, { kind: 'manifest' }>): string {
  switch (message.kind) {
    case 'quote':
      return `quote of ${message.priceMsat} msat`;
    case 'result':
      return `result ${message.status}${message.message === undefined ? '' : `: ${message.message}`}`;
    case 'error':
      return `error ${message.code}: ${message.message ?? ''}`;
    case 'stream-end':
      return `stream-end after ${message.totalBytes} bytes`;
    default:
      return message.kind;
  }
}
