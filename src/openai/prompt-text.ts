import type { CheckedRequest } from './checked-request.ts';
import type { JsonBody } from './json-body.ts';
import type { Kind } from './kinds/kind.ts';
import { isImageUrl } from './message-rules.ts';
import { refuse } from './refuse.ts';

/** What of a request reaches the model. */
export type PromptText = Pick<CheckedRequest, 'promptText' | 'images'>;

/**
 * Gathers the text of a body that passed the rules: every string of its input, and as JSON what else reaches the model, the
 * fields that the owner allowed included.
 */
export function promptTextOf(
  { input: name, promptFields }: Kind,
  body: Uint8Array,
  { members, value }: JsonBody,
  allowedFields: readonly string[],
): PromptText {
  const items = value[name];
  if (items === undefined || items === null || (items as unknown[] | string).length === 0)
    refuse(`"${name}" is empty: there must be something to work on`);
  const gathered = new Gathered();
  gathered.add(items);
  for (const { key, valueStart, valueEnd } of members) {
    const inner = value[key];
    if (inner === null || !(promptFields.includes(key) || allowedFields.includes(key))) continue;
    gathered.text.push(
      typeof inner === 'string' ? inner : new TextDecoder().decode(body.subarray(valueStart, valueEnd)),
    );
  }
  return {
    promptText: gathered.text,
    images: gathered.images,
  };
}

class Gathered {
  readonly text: string[] = [];
  readonly images = { count: 0, bytes: 0 };

  add(value: unknown): void {
    if (typeof value === 'string') this.text.push(value);
    else if (typeof value === 'number') this.text.push(String(value));
    else if (Array.isArray(value)) for (const element of value) this.add(element);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) {
        if (key !== 'image_url' || !this.#image(inner)) this.add(inner);
      }
  }

  #image(value: unknown): boolean {
    const url: unknown = (value as { url?: unknown } | null)?.url ?? value;
    if (!isImageUrl(url)) return false;
    this.images.count++;
    this.images.bytes += url.length;
    return true;
  }
}
