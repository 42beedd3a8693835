import { OpenAI } from 'openai';
import { describe, expect, test } from 'vitest';
import { BackendError } from '../../src/backend/backend.ts';
import type { TaskKind } from '../../src/backend/backend.ts';
import { createDemoBackend } from '../../src/backend/demo.ts';
import { answerFilter } from '../../src/openai/answer.ts';
import { kinds, taskKinds } from '../../src/openai/request.ts';
import { HandClock } from './hand-clock.ts';

const CHAT = 'openai.chat_completions.v1';
const RESPONSES = 'openai.responses.v1';
const EMBEDDINGS = 'openai.embeddings.v1';
const clock = new HandClock();
const demo = createDemoBackend({ name: 'demo', clock, tokenDelayMs: 0 });
const never = new AbortController().signal;

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function answerTo(
  taskKind: TaskKind,
  body: object,
  backend = demo,
): Promise<{ contentType: string; chunks: string[] }> {
  const stream = 'stream' in body && body.stream === true;
  const request = { taskKind, model: 'demo', body: Buffer.from(JSON.stringify({ model: 'demo', ...body })), stream };
  const { contentType, body: answer } = await backend.run(request, never);
  const chunks: string[] = [];
  for await (const chunk of answer) chunks.push(Buffer.from(chunk).toString());
  return { contentType, chunks };
}

/** The official client, with the demo behind its fetch: it checks the shapes as a buyer would. */
const client = new OpenAI({
  apiKey: 'none',
  baseURL: 'http://demo',
  maxRetries: 0,
  fetch: async (input, init) => {
    const taskKind = taskKinds.find((kind) => input === `http://demo${kinds[kind].path}`) ?? CHAT;
    const { contentType, chunks } = await answerTo(taskKind, JSON.parse(init?.body as string) as object);
    return new Response(chunks.join(''), { headers: { 'content-type': contentType } });
  },
});
const messages = [
  { role: 'system' as const, content: 'Be brief.' },
  { role: 'user' as const, content: 'What is  the Lightning Network?' },
];

describe('a chat completion of the demo', () => {
  test('says that it is a demo and what was asked, and counts words as tokens', async () => {
    const answer = await client.chat.completions.create({ model: 'demo', messages });
    const text = answer.choices[0]?.message.content ?? '';
    expect(text).toContain('built-in demo backend');
    expect(text).toContain('“What is the Lightning Network?”');
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    const words = text.split(' ').length;
    expect(answer.usage).toEqual({ prompt_tokens: 7, completion_tokens: words, total_tokens: 7 + words });
  });

  test('streams the same words, one event each, with usage only when asked', async () => {
    const whole = await client.chat.completions.create({ model: 'demo', messages });
    for (const include_usage of [true, false]) {
      const stream_options = { include_usage };
      const stream = await client.chat.completions.create({ model: 'demo', messages, stream: true, stream_options });
      const chunks = await allOf(stream);
      const deltas = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta.content ?? ''));
      expect(deltas.join('')).toBe(whole.choices[0]?.message.content);
      expect(deltas.filter((delta) => delta !== '')).toHaveLength(whole.usage?.completion_tokens ?? 0);
      expect(chunks.flatMap((chunk) => chunk.usage ?? [])).toEqual(include_usage ? [whole.usage] : []);
      if (include_usage) expect(chunks.at(-1)?.choices).toEqual([]);
    }
    const { chunks, contentType } = await answerTo(CHAT, { messages, stream: true });
    expect(contentType).toBe('text/event-stream; charset=utf-8');
    expect(chunks.at(-1)).toBe('data: [DONE]\n\n');
  });

  test.each(['max_tokens', 'max_completion_tokens'])('keeps within %s, for each choice', async (field) => {
    const answer = await client.chat.completions.create({ model: 'demo', messages, n: 3, [field]: 6 });
    expect(answer.choices.map((choice) => [choice.index, choice.finish_reason])).toEqual(
      [0, 1, 2].map((index) => [index, 'length']),
    );
    expect(answer.choices[1]?.message.content).toBe('Answer 2 of 3. This is');
    expect(answer.usage?.completion_tokens).toBe(18);
    const stream = await client.chat.completions.create({ model: 'demo', messages, n: 3, [field]: 6, stream: true });
    const ends = (await allOf(stream)).flatMap((chunk) => chunk.choices.filter((choice) => choice.finish_reason));
    expect(ends.map((choice) => choice.index)).toEqual([0, 1, 2]);
  });
});

describe('a response of the demo', () => {
  test('has the shape and the usage of the Responses API, streamed or not', async () => {
    const whole = await client.responses.create({ model: 'demo', instructions: 'Be brief.', input: 'Hi there' });
    expect(whole).toMatchObject({ object: 'response', status: 'completed', usage: { input_tokens: 4 } });
    expect(whole.output_text).toContain('“Hi there”');
    const stream = await client.responses.create({
      model: 'demo',
      instructions: 'Be brief.',
      input: 'Hi there',
      stream: true,
    });
    const events = await allOf(stream);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.flatMap((event) => (event.type === 'response.output_text.delta' ? event.delta : [])).join('')).toBe(
      whole.output_text,
    );
    const last = events.at(-1);
    expect(last).toMatchObject({ type: 'response.completed', response: { status: 'completed', usage: whole.usage } });
  });

  test('is incomplete when the cap ends it', async () => {
    const input = [{ role: 'user' as const, content: [{ type: 'input_text' as const, text: 'Hi' }] }];
    const whole = await client.responses.create({ model: 'demo', input, max_output_tokens: 3 });
    expect(whole).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 3 },
    });
    const events = await allOf(
      await client.responses.create({ model: 'demo', input, max_output_tokens: 3, stream: true }),
    );
    expect(events.at(-1)?.type).toBe('response.incomplete');
  });
});

describe('embeddings of the demo', () => {
  test('say that no model made them; the same text has the same vector, of length 1, in floats and in base64', async () => {
    const input = ['a text', 'b', 'a text'];
    const asked = { model: 'demo', input, dimensions: 16 };
    const { data, usage, ...about } = await client.embeddings.create({ ...asked, encoding_format: 'float' });
    expect(about).toMatchObject({ object: 'list', model: 'demo', note: expect.stringContaining('demo') as string });
    expect(usage).toEqual({ prompt_tokens: 5, total_tokens: 5 });
    const [first, second, third] = data.map(({ embedding }) => embedding);
    expect(first).toHaveLength(16);
    expect(Math.hypot(...(first ?? []))).toBeCloseTo(1);
    expect(third).toEqual(first);
    expect(second).not.toEqual(first);
    // The client asks for base64 when it is not told.
    expect((await client.embeddings.create(asked)).data.map(({ embedding }) => embedding)).toEqual([
      first,
      second,
      first,
    ]);
    expect((await client.embeddings.create({ model: 'demo', input: 'a text', dimensions: 16 })).data).toHaveLength(1);
  });

  test('are read by the answer filter as complete, with usage and without output', async () => {
    const filter = answerFilter({ taskKind: EMBEDDINGS, stream: false, usageWanted: true });
    const { chunks } = await answerTo(EMBEDDINGS, { input: ['two words'] });
    for (const chunk of chunks) filter.push(Buffer.from(chunk));
    const usage = { inputTokens: 2, outputTokens: 0 };
    expect(filter.end()).toMatchObject({ complete: true, failed: false, usage, producedTokens: 0 });
  });
});

describe('the demo', () => {
  test.each([
    [CHAT, { messages, stream_options: { include_usage: true } }],
    [RESPONSES, { input: 'Hi' }],
  ] as const)('is read by the answer filter as complete, with usage: %s', async (taskKind, body) => {
    for (const stream of [true, false]) {
      const filter = answerFilter({ taskKind, stream, usageWanted: false });
      const { chunks } = await answerTo(taskKind, { ...body, stream });
      const outputs = chunks.flatMap((chunk) => filter.push(Buffer.from(chunk)));
      const end = filter.end();
      expect(end.complete).toBe(true);
      expect(end.usage?.outputTokens).toBeGreaterThan(50);
      const text = Buffer.concat([...outputs, ...end.outputs]).toString();
      if (stream && taskKind === CHAT) expect(text).not.toContain('prompt_tokens');
    }
  });

  test('answers the same request with the same bytes', async () => {
    for (const taskKind of [CHAT, RESPONSES] as const) {
      const body = { messages, input: 'Hi', stream: true };
      expect(await answerTo(taskKind, body)).toEqual(await answerTo(taskKind, body));
    }
  });

  test.each([
    ['another model', { model: 'gpt-5', messages }, 404],
    ['no messages', { messages: [] }, 400],
    ['a cap of nothing', { messages, max_tokens: 0 }, 400],
  ])('refuses %s', async (_, body, status) => {
    const error = await answerTo(CHAT, body).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ status, retryable: false });
  });

  test('waits before each word, and not for what is no word', async () => {
    const slow = createDemoBackend({ name: 'slow', clock, tokenDelayMs: 15 });
    let isDone = false;
    const answering = answerTo(CHAT, { messages, stream: true, max_tokens: 4 }, slow).finally(() => {
      isDone = true;
    });
    const begunMs = clock.nowMs();
    for (let word = 0; word < 4; word += 1) {
      await clock.set(15);
      expect(isDone).toBe(false);
      clock.advance(15);
    }
    await answering;
    expect(clock.nowMs() - begunMs).toBe(60);
    const whole = answerTo(CHAT, { messages, max_tokens: 4 }, slow);
    await clock.set(60);
    clock.advance(60);
    await whole;
  });

  test('stops within its pause when aborted, and leaves no timer', async () => {
    const slow = createDemoBackend({ name: 'slow', clock });
    const abort = new AbortController();
    const body = Buffer.from(JSON.stringify({ model: 'demo', messages, stream: true }));
    const answer = await slow.run({ taskKind: CHAT, model: 'demo', body, stream: true }, abort.signal);
    const reading = allOf(answer.body).catch((reason: unknown) => reason);
    await clock.set(15);
    abort.abort();
    expect(await reading).toMatchObject({ name: 'BackendError', retryable: false });
    expect(clock.delays()).toEqual([]);
  });
});
