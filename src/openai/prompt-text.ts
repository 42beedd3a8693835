import type { TaskKind } from './checked-request.ts';
import { foldKey } from './known-keys.ts';
import { refuse } from './refuse.ts';

/** What of a request reaches the model. */
export interface PromptText {
  readonly messageCount: number;
  readonly text: readonly string[];
  readonly images: { readonly count: number; readonly bytes: number };
}

/** Values that never reach the model; everything else counts as prompt, so that no server can be fed for nothing. */
const notPrompt = new Set(
  `model messages input user metadata client_metadata prompt_cache_key safety_identifier include logit_bias modalities reasoning
  reasoning_effort service_tier stop stream_options tool_choice truncation verbosity cache_salt function_call`.split(
    /\s+/,
  ),
);
const imageKeys = new Set(['imageurl', 'image', 'images']);
const otherMediaKeys = new Set(
  'inputaudio audio audiourl video videourl file fileid fileurl filedata imageembeds imagepil audioembeds'.split(' '),
);
/** Keys that a message may name; others are the buyer's own words. */
const toldKeys = new Set(['content', 'output']);
const imageTypes = new Set(['image_url', 'input_image', 'image']);
/** Parts and items that are no text, or that name something kept at the server. */
const refusedTypes =
  /^(input_audio|audio|audio_url|audio_embeds|video|video_url|file|input_file|image_embeds|image_pil|item_reference|image_generation_call|mcp_approval_response)$/;

/** Gathers the text of a body that was scanned already, so its depth is bounded. Refuses media that is not sold. */
export function promptTextOf(
  taskKind: TaskKind,
  body: Readonly<Record<string, unknown>>,
  allowImages: boolean,
): PromptText {
  const name = taskKind === 'openai.chat_completions.v1' ? 'messages' : 'input';
  const items = body[name];
  const gathered = new Gathered(allowImages);
  if (taskKind === 'openai.responses.v1' && typeof items === 'string') gathered.value(items, name);
  else if (!Array.isArray(items))
    refuse(`"${name}" must be ${taskKind === 'openai.responses.v1' ? 'a text or ' : ''}an array`);
  const list: unknown[] = Array.isArray(items) ? items : [items];
  if (list.length === 0 || items === '') refuse(`"${name}" is empty: send at least one message`);
  for (const [index, item] of list.entries()) {
    if (Array.isArray(items) && (typeof item !== 'object' || item === null || Array.isArray(item)))
      refuse(`${name}[${index}] must be an object`);
    if (Array.isArray(items)) gathered.value(item, `${name}[${index}]`);
  }
  for (const [key, value] of Object.entries(body)) {
    if (notPrompt.has(key) || value === null || typeof value === 'boolean' || typeof value === 'number') continue;
    gathered.text.push(typeof value === 'string' ? value : JSON.stringify(value));
  }
  return { messageCount: list.length, text: gathered.text, images: gathered.images };
}

class Gathered {
  readonly text: string[] = [];
  readonly images = { count: 0, bytes: 0 };
  readonly #allowImages: boolean;

  constructor(allowImages: boolean) {
    this.#allowImages = allowImages;
  }

  /** Every string, whatever its key: a server that reads `Content` for `content` gets no free input. */
  value(value: unknown, where: string): void {
    if (typeof value === 'string') this.text.push(value);
    else if (typeof value === 'number') this.text.push(String(value));
    else if (Array.isArray(value))
      for (const [index, element] of value.entries()) this.value(element, `${where}[${index}]`);
    else if (typeof value === 'object' && value !== null) this.#object(value as Record<string, unknown>, where);
  }

  #object(object: Record<string, unknown>, where: string): void {
    const { type } = object;
    if (typeof type === 'string' && refusedTypes.test(type)) refuse(`${where}: "${type}" is not sold here: send text`);
    if (typeof type === 'string' && imageTypes.has(type)) this.#requireImages(where);
    for (const [key, value] of Object.entries(object)) {
      const folded = foldKey(key);
      if (value !== null && otherMediaKeys.has(folded)) refuse(`${where}: "${folded}" is not sold here: send text`);
      if (value !== null && imageKeys.has(folded)) this.#image(key, value, where);
      else this.value(value, toldKeys.has(key) ? `${where}.${key}` : where);
    }
  }

  #requireImages(where: string): void {
    if (!this.#allowImages) refuse(`${where}: images are not sold here: send text`);
  }

  /** Images come inside the request: a backend that fetches addresses for buyers can be sent anywhere. */
  #image(key: string, value: unknown, where: string): void {
    this.#requireImages(where);
    const url: unknown = typeof value === 'object' && value !== null ? (value as { url?: unknown }).url : value;
    if (key !== 'image_url' || typeof url !== 'string' || !/^data:image\/[a-z0-9.+-]+;base64,/.test(url)) {
      refuse(
        `${where}: an image must be given as "image_url" with a data:image/…;base64 URL; addresses are not fetched`,
      );
    }
    this.images.count++;
    this.images.bytes += url.length;
  }
}
