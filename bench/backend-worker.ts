import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { parentPort } from 'node:worker_threads';
import { LARGE_BYTES, TRICKLE, models } from './backend.ts';
import type { Model } from './backend.ts';
import { mark, takeMarks } from './marks.ts';

// The thread of the stand-in backend: streams chat completions as fast as they are taken.

const BRIEF_EVENTS = 5;
const LARGE_EVENT_BYTES = 1_000;
const WRITE_BYTES = 64 * 1024;

const event = (more: object): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench', ...more })}\n\n`;
const token = (content: string): string => event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const ending = (tokens: number): string =>
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) +
  event({ choices: [], usage: { prompt_tokens: 256, completion_tokens: tokens, total_tokens: 256 + tokens } }) +
  'data: [DONE]\n\n';

const brief = Buffer.from(token('word ').repeat(BRIEF_EVENTS) + ending(BRIEF_EVENTS));
const large = Buffer.from(token('large '.repeat(LARGE_EVENT_BYTES / 6)));
const largePiece = Buffer.concat(Array.from({ length: Math.ceil(WRITE_BYTES / large.length) }, () => large));

/** Resolves when more may be written, or when nobody takes it any more. */
async function write(response: ServerResponse, bytes: Buffer | string): Promise<void> {
  if (response.write(bytes) || response.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('drain', resolve).once('close', resolve);
  await promise;
  response.off('drain', resolve).off('close', resolve);
}

const answers: Readonly<Record<Model, (response: ServerResponse) => Promise<void>>> = {
  brief: (response) => write(response, brief),
  large: async (response) => {
    for (let sent = 0; sent < LARGE_BYTES && !response.destroyed; sent += largePiece.length)
      await write(response, largePiece);
    response.write(ending(40));
  },
  trickle: async (response) => {
    for (let sent = 0; sent < TRICKLE.events && !response.destroyed; sent++) {
      response.write(token(`drop ${sent} `));
      await delay(TRICKLE.everyMs);
    }
    response.write(ending(TRICKLE.events));
  },
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'GET') {
    const data = models.map((id) => ({ id, object: 'model' }));
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ object: 'list', data }));
    return;
  }
  const { model } = JSON.parse((await buffer(request)).toString()) as { model?: Model };
  if (model === undefined) return void response.writeHead(request.url?.endsWith('/chat/completions') ? 400 : 404).end();
  mark('asked');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  mark('answered');
  await answers[model](response);
  response.end();
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  parentPort?.postMessage(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
});
parentPort?.on('message', () => parentPort?.postMessage(takeMarks()));
