import type { Fields } from '../rule.ts';

/** The kinds of work that are sold; named as on the wire. */
export type TaskKind = 'openai.chat_completions.v1' | 'openai.responses.v1' | 'openai.embeddings.v1';

/** What a model can do, in the words of Ollama. */
export const capabilities = ['completion', 'embedding', 'vision'] as const;
export type Capability = (typeof capabilities)[number];

/** How a streamed answer is written: chunks of a chat and `[DONE]`, or the events of a response. */
export type StreamFormat = 'chat-chunks' | 'response-events';

/** All that the house knows of one kind of work: the gate, the filter, the backends, the manifest and the gateway read it here. */
export interface Kind {
  /** Where servers take it, below the base URL of their OpenAI-compatible API. */
  readonly path: string;
  /** What a model must be able to do for it. */
  readonly needs: Capability;
  /** All that a request may say: what is not here is refused. Drivers add nothing; the owner may, see `isOpenField`. */
  readonly fields: Fields;
  /** The field with what the model is given: a text or a list. It can not be empty. */
  readonly input: 'messages' | 'input';
  /** Other fields that reach the model. */
  readonly promptFields: readonly string[];
  /** Fields that bound the output in tokens; of several a backend obeys one (`UpstreamFill.cap`). None: there are no output tokens. */
  readonly caps: readonly string[];
  /** What is filled in, as JSON, where the request leaves it open. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Where in a JSON answer the text stands that the model produced. */
  readonly contentPaths: readonly string[];
  /** Absent: answers are never streamed. */
  readonly stream?: StreamFormat;
}
