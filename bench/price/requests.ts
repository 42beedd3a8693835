import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { TaskKind } from '../../src/openai/request.ts';
import { generatedRequests } from './generated-requests.ts';

/** A request as a buyer sends it, without model and cap. */
export type RequestBody = Readonly<Record<string, unknown>>;

export type NamedRequest = { readonly name: string; readonly taskKind: TaskKind; readonly body: RequestBody };

const ownDirectory = join(import.meta.dirname, 'requests');

/** One tool, for the variant of a request that has tools. */
const tool = {
  type: 'function',
  function: {
    name: 'look_up',
    description: 'Looks a word up in the dictionary.',
    parameters: {
      type: 'object',
      properties: { word: { type: 'string', description: 'The word' }, language: { type: 'string' } },
      required: ['word'],
    },
  },
};

const named = (name: string, body: RequestBody): NamedRequest => ({
  name,
  taskKind: 'input' in body ? 'openai.responses.v1' : 'openai.chat_completions.v1',
  body,
});

const withTools = (requests: readonly NamedRequest[]): NamedRequest[] =>
  requests.map(({ name, taskKind, body }) => ({
    name: `${name}, with a tool`,
    taskKind,
    body: { ...body, tools: [tool] },
  }));

const isBody = (value: unknown): value is RequestBody =>
  typeof value === 'object' && value !== null && ('messages' in value || 'input' in value);

/** JSON: a request body, a list of them, or an object of them by name. One body in each line of .jsonl. Any other file is one user's message. */
function requestsOfFile(file: string): NamedRequest[] {
  const text = readFileSync(file, 'utf8');
  const name = basename(file, extname(file));
  if (!['.json', '.jsonl'].includes(extname(file)))
    return [named(name, { messages: [{ role: 'user', content: text }] })];
  const value: unknown =
    extname(file) === '.json'
      ? JSON.parse(text)
      : text
          .trimEnd()
          .split('\n')
          .map((line): unknown => JSON.parse(line));
  if (isBody(value)) return [named(name, value)];
  return Object.entries(value as object).map(([key, body]: [string, unknown]) => {
    if (isBody(body)) return named(`${name}: ${key}`, body);
    throw new Error(`${file}: "${key}" is no request: it has neither "messages" nor "input"`);
  });
}

/** The requests of a file, or of all files of a directory. */
export function readRequests(path: string): NamedRequest[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [join(path, entry.name)] : []))
    : [path];
  return files.toSorted().flatMap(requestsOfFile);
}

/** Those of this benchmark: languages, each also with a tool; code, odd chats, tools, hostile text, long documents. */
export function ownRequests(): NamedRequest[] {
  const languages = readRequests(join(ownDirectory, 'languages.json'));
  const others = ['code', 'chats', 'tools'].flatMap((name) => readRequests(join(ownDirectory, `${name}.json`)));
  const generated = Object.entries(generatedRequests).map(([name, body]) => named(name, body));
  return [...languages, ...withTools(languages), ...others, ...generated];
}
