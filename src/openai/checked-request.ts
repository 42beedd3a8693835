import type { ImageSize } from './image.ts';
import type { InputShape } from './input-shape.ts';
import type { TaskKind } from './kinds/kind.ts';
import type { PromptPart } from './prompt-part.ts';

/** Why a request is not sold, for the buyer's developer: what, where, what to do. Never holds text of the prompt. */
export interface Refusal {
  readonly refusal: 'unsupported-params' | 'unsupported-task';
  readonly message: string;
}

/** What one request may ask for at most. */
export interface RequestLimits {
  /** Tokens per choice; also what is filled in where the request sets no cap. At least 1. */
  readonly maxOutputTokens: number;
  /** The largest `n`. Default 1. */
  readonly maxChoices?: number;
  /** True: images as data URLs pass, and the caller counts them (`images`). Default false. */
  readonly allowImages?: boolean;
  /** What the buyer is told where they do not pass: `this model can not see`. Default: that images are not sold here. */
  readonly whyNoImages?: string;
  /** Fields beside those that are known here, as the owner set them. Default none. */
  readonly allowedFields?: readonly string[];
  /** Types of tools beside functions, as the owner set them. Default none. */
  readonly allowedToolTypes?: readonly string[];
  /** Levels of nesting. Default 64. */
  readonly maxDepth?: number;
}

/** How a backend is told what the request left open. */
export interface UpstreamFill {
  /** The field by which this backend is told how much a chat may produce; responses always use `max_output_tokens`. */
  readonly cap: 'max_tokens' | 'max_completion_tokens' | 'both';
  /** True: ask for the usage of streamed chats. */
  readonly usage: boolean;
  /** What the backend calls the model, where the buyer knows it by another name. */
  readonly model?: string;
}

/** A request that may be sold: its body means the same to every decoder, and what it can cost is bounded. */
export interface CheckedRequest {
  readonly taskKind: TaskKind;
  readonly model: string;
  readonly stream: boolean;
  /** False only for a streamed chat that did not ask for usage: then the usage chunk that we ask for is taken out again. */
  readonly usageWanted: boolean;
  readonly choices: number;
  /** False: it leaves open how much it may produce, and the cap is ours. */
  readonly namesCap: boolean;
  /** The cap of the request, for each choice; the largest that it may have when it names none. 0: there are no output tokens. */
  readonly maxOutputTokensPerChoice: number;
  /** `maxOutputTokensPerChoice` × `choices`. */
  readonly maxOutputTokens: number;
  /** Length of the buyer's body. */
  readonly inputBytes: number;
  /** What the backend's chat template is applied to. */
  readonly shape: InputShape;
  /** All text that can reach the model: strings of messages and input one by one, tools and the like as JSON. For estimators. */
  readonly promptText: readonly string[];
  /** Of each of these texts, what it is in the chat. */
  readonly promptParts: readonly PromptPart[];
  /** Images given as data URLs, the length of those URLs, and how large each is; `promptText` leaves them out. */
  readonly images: { readonly count: number; readonly bytes: number; readonly sizes: readonly ImageSize[] };
  /** The buyer's bytes with what they leave open spliced in; every other byte as it came. */
  upstreamBody(fill: UpstreamFill): Uint8Array;
}
