import { setTimeout as delay } from 'node:timers/promises';
import type { Script, StandInCall } from './stand-in-backend.ts';

/** A door that a test opens when it wants the answer to go on. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();

  open(): void {
    this.#opened.resolve();
  }

  get whenOpen(): Promise<void> {
    return this.#opened.promise;
  }
}

/** What the stand-in says that it counted. */
export const promptTokens = 11;

const head = { id: 'chatcmpl-stand-in', created: 1_700_000_000 };
const usageOf = (tokens: number) => ({
  prompt_tokens: promptTokens,
  completion_tokens: tokens,
  total_tokens: promptTokens + tokens,
});

function event(call: StandInCall, more: object): Promise<void> {
  const chunk = { ...head, object: 'chat.completion.chunk', model: call.model, ...more };
  return call.send(`data: ${JSON.stringify(chunk)}\n\n`);
}

const token = (call: StandInCall, content: string): Promise<void> =>
  event(call, { choices: [{ index: 0, delta: { content }, finish_reason: null }] });

/** The end of a stream as servers send it when they were asked for usage. */
async function finish(call: StandInCall, tokens: number): Promise<void> {
  await event(call, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  await event(call, { choices: [], usage: usageOf(tokens) });
  await call.send('data: [DONE]\n\n');
}

/** An answer at once: `tokens` events, or one JSON object. */
export const fast =
  (tokens = 5, content = 'word '): Script =>
  async (call) => {
    if (call.stream) {
      for (let sent = 0; sent < tokens; sent++) await token(call, content);
      return finish(call, tokens);
    }
    const message = { role: 'assistant', content: content.repeat(tokens) };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    const whole = { ...head, object: 'chat.completion', model: call.model, choices, usage: usageOf(tokens) };
    await call.send(JSON.stringify(whole));
  };

/** An answer of at least `bytes` bytes, as fast as it is taken. */
export const large = (bytes: number): Script => fast(Math.ceil(bytes / 1000), 'large '.repeat(170));

/** A slow answer: one token every `everyMs` for `forMs`. */
export const drip =
  ({ forMs, everyMs }: { forMs: number; everyMs: number }): Script =>
  async (call) => {
    const end = performance.now() + forMs;
    let sent = 0;
    for (; performance.now() < end && !call.isOver; sent++) {
      await token(call, `drop ${sent} `);
      await delay(everyMs);
    }
    await finish(call, sent);
  };

/** `before` tokens, then nothing until the gate opens, then `after` tokens and the end. */
export const gated =
  (gate: Gate, before: number, after: number): Script =>
  async (call) => {
    for (let sent = 0; sent < before; sent++) await token(call, `before ${sent} `);
    await Promise.race([gate.whenOpen, call.whenOver()]);
    for (let sent = 0; sent < after; sent++) await token(call, `after ${sent} `);
    await finish(call, before + after);
  };

/** `tokens` tokens, then silence until the caller hangs up. */
export const stall =
  (tokens: number): Script =>
  async (call) => {
    for (let sent = 0; sent < tokens; sent++) await token(call, 'stalling ');
    await call.whenOver();
  };

/** `tokens` tokens, then the connection breaks. */
export const breakOff =
  (tokens: number): Script =>
  async (call) => {
    for (let sent = 0; sent < tokens; sent++) await token(call, 'breaking ');
    await call.cut();
  };
