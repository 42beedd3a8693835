import type { Clock } from '../../clock/clock.ts';
import { partTokens } from '../../openai/prompt-part.ts';
import { checkRequest } from '../../openai/request.ts';
import type { Engine } from '../tokenizer/vocabulary.ts';
import { CannotCount } from '../estimator.ts';
import type { Lesson } from '../estimator.ts';
import { chatOf } from './chat-of.ts';
import { textOf } from './text-of.ts';
import type { ServedModel, VocabularyCounter } from './vocabulary-counter.ts';

type Message = Readonly<Record<string, unknown>>;

const tool = (name: string, description: string, properties: object) => ({
  type: 'function',
  function: { name, description, parameters: { type: 'object', properties, required: Object.keys(properties) } },
});
const weather = tool('weather', 'Tells how the weather will be', {
  town: { type: 'string', description: 'Where' },
  days: { type: 'integer' },
});
const mail = tool('send_mail', 'Sends a letter to people who have an address', {
  to: { type: 'array', items: { type: 'string' } },
  subject: { type: 'string', enum: ['work', 'home'] },
  body: { type: 'string', description: 'All that the letter says' },
});
const schema = { type: 'object', properties: { degrees: { type: 'number' } }, required: ['degrees'] };

const system = (content = 'Answer in few words.'): Message => ({ role: 'system', content });
const user = (content: unknown = 'How warm is the sea?'): Message => ({ role: 'user', content });
const assistant = (content = 'Sixteen degrees.', more = {}): Message => ({ role: 'assistant', content, ...more });
const letter =
  'The boats came back at noon with little fish, and the wind had turned. We stay until Sunday, if the rain lets us. '.repeat(
    3,
  );
const calls = (...towns: string[]) => ({
  tool_calls: towns.map((town, at) => ({
    id: `call_${at}`,
    type: 'function',
    function: { name: 'weather', arguments: JSON.stringify({ town, days: 2 }) },
  })),
});
const result = (at = 0, content = 'It will rain all day.'): Message => ({
  role: 'tool',
  tool_call_id: `call_${at}`,
  content,
});
const part = (text: string) => ({ type: 'text', text });
const thanks = user('Thanks! And the day after?');

/** What templates differ in, the usual first: roles, turns, tools, calls, who has the last word, what is left out or joined. */
const probes: readonly object[] = [
  { messages: [user()] },
  { messages: [system(), user()] },
  { messages: [user(), assistant(), thanks] },
  { messages: [user()], tools: [weather] },
  { messages: [system(), user()], tools: [weather] },
  { messages: [user(), assistant('', calls('Porto')), result()], tools: [weather] },
  { messages: [user(), assistant('', calls('Porto')), result()], tools: [weather, mail] },
  { messages: [user()], tools: [weather, mail] },
  {
    messages: [user(), assistant('', calls('Porto', 'Faro')), result(), result(1, 'Sun.'), thanks],
    tools: [weather],
  },
  { messages: [user(), assistant('', calls(letter)), result(0, letter), thanks], tools: [weather] },
  { messages: [user(), assistant()] },
  { messages: [system('You know the coast well.'), system(), user()] },
  { messages: [user(), thanks] },
  { messages: [user([part('How warm is it?'), part('And where?')])] },
  { messages: [{ ...system(), role: 'developer' }, user()] },
  { messages: [user(), system()] },
  { messages: [user()], reasoning_effort: 'none' },
  { messages: [user()], reasoning_effort: 'high' },
  { messages: [user(), assistant('Sixteen.', { reasoning: 'Cold in March, and warmer in May.' }), thanks] },
  { messages: [user(), assistant('<think>Cold in March, and warmer in May.</think> Sixteen.'), thanks] },
  { messages: [user(), assistant('I will look it up.', calls('Porto')), result(), thanks] },
  { messages: [{ ...user(), name: 'margarethe' }] },
  { messages: [user()], response_format: { type: 'json_schema', json_schema: { name: 'sea', schema } } },
];

/** All probes together: a server that is slow or busy is not kept from its work. */
const PROBING_MS = 3_000;

/** What a model's template makes of short chats, by having it answer each with a token. What the server refuses, or has no time for, is left out. */
export async function probeTemplate(
  { server, name, ...model }: ServedModel,
  engine: Engine,
  counter: VocabularyCounter,
  clock: Clock,
  signal: AbortSignal,
): Promise<Lesson[]> {
  const endMs = clock.nowMs() + PROBING_MS;
  const lessons: Lesson[] = [];
  for (const probe of probes) {
    const leftMs = endMs - clock.nowMs();
    if (leftMs <= 0) break;
    const body = Buffer.from(JSON.stringify({ ...probe, model: name }));
    const request = checkRequest('openai.chat_completions.v1', body, name, { maxOutputTokens: 1 });
    if ('refusal' in request) throw new Error(request.message);
    const { promptParts, shape } = request;
    try {
      const actualTokens = await server.countByRunning(name, chatOf(request), leftMs, signal);
      const counts = await counter.count({ server, name, ...model }, engine, textOf(request), Infinity, signal);
      if (counts !== undefined) lessons.push({ partTokens: partTokens(promptParts, counts), shape, actualTokens });
    } catch (error) {
      if (!(error instanceof CannotCount)) throw error;
    }
  }
  return lessons;
}
