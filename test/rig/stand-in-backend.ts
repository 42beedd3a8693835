import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** How one model of the stand-in answers. Whatever it does, its connection is ended when it returns. */
export type Script = (call: StandInCall) => Promise<void>;

/** An OpenAI-compatible server whose every answer follows a script, and which remembers what it was asked and what it sent. */
export type StandIn = AsyncDisposable & {
  /** The base URL, with /v1. */
  readonly url: string;
  /** By model id; the models that it lists. */
  readonly scripts: Map<string, Script>;
  /** The requests for answers, oldest first. */
  readonly calls: StandInCall[];
  callsFor(model: string): StandInCall[];
};

/** One request, and the answer to it as far as it was sent. */
export class StandInCall {
  readonly model: string;
  readonly body: Record<string, unknown>;
  readonly stream: boolean;
  readonly #response: ServerResponse;
  readonly #sent: Buffer[] = [];
  readonly #closed: Promise<void>;

  constructor(body: Record<string, unknown>, response: ServerResponse) {
    this.model = String(body['model']);
    this.stream = body['stream'] === true;
    this.body = body;
    this.#response = response;
    this.#closed = new Promise((resolve) => response.once('close', resolve));
  }

  /** The caller has hung up, or the answer has ended. */
  get isOver(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  /** Exactly the bytes that were sent. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent);
  }

  get sha256(): string {
    return createHash('sha256').update(this.sent).digest('hex');
  }

  /** Resolves when more may be sent; does nothing when the caller has hung up. */
  async send(text: string): Promise<void> {
    if (this.isOver) return;
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, { 'content-type': this.stream ? 'text/event-stream' : 'application/json' });
    }
    this.#sent.push(Buffer.from(text));
    if (this.#response.write(text)) return;
    await Promise.race([new Promise<void>((resolve) => this.#response.once('drain', resolve)), this.#closed]);
  }

  /** Resolves when the caller has hung up, or the answer has ended. */
  whenOver(): Promise<void> {
    return this.#closed;
  }

  end(): void {
    if (!this.isOver) this.#response.end();
  }

  /** Ends the connection in the middle of the answer, after all that was sent; resolves when it is closed. */
  async cut(): Promise<void> {
    this.#response.socket?.end();
    await this.#closed;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, standIn: StandIn): Promise<void> {
  if (request.method === 'GET' && request.url === '/v1/models') {
    const data = [...standIn.scripts.keys()].map((id) => ({ id, object: 'model' }));
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ object: 'list', data }));
    return;
  }
  if (request.url !== '/v1/chat/completions') return void response.writeHead(404).end();
  const body = JSON.parse((await buffer(request)).toString()) as Record<string, unknown>;
  if (body['model'] === undefined) return void response.writeHead(400).end();
  const call = new StandInCall(body, response);
  standIn.calls.push(call);
  const script = standIn.scripts.get(call.model);
  if (script === undefined) return void response.writeHead(404).end();
  await script(call);
  call.end();
}

/** Starts it on a free port of this machine. */
export async function startStandIn(scripts: Readonly<Record<string, Script>>): Promise<StandIn> {
  const server = createServer((request, response) => {
    answer(request, response, standIn).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const calls: StandInCall[] = [];
  const standIn: StandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    scripts: new Map(Object.entries(scripts)),
    calls,
    callsFor: (model) => calls.filter((call) => call.model === model),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return standIn;
}
