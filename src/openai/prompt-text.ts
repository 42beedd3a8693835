import type { CheckedRequest } from './checked-request.ts';
import type { JsonBody } from './json-body.ts';
import type { Kind } from './kinds/kind.ts';
import type { ImageSize } from './image.ts';
import { imageTypes, partLists } from './message-rules.ts';
import { refuse } from './refuse.ts';

const MAX_IMAGES = 16;
/** About two photographs of a camera: a server unpacks them all. */
const MAX_PIXELS = 33_554_432;

/** A body that passed the rules, and the sizes of its images by their URLs. */
export interface CheckedBody extends JsonBody {
  readonly imageSizes: ReadonlyMap<string, ImageSize>;
}

/** What of a request reaches the model. */
export type PromptText = Pick<CheckedRequest, 'promptText' | 'images'>;

/**
 * Gathers the text of a body that passed the rules: every string of its input, and as JSON what else reaches the model, the
 * fields that the owner allowed included.
 */
export function promptTextOf(
  { input: name, promptFields }: Kind,
  body: Uint8Array,
  { members, value, imageSizes }: CheckedBody,
  allowedFields: readonly string[],
): PromptText {
  const items = value[name];
  if (items === undefined || items === null || (items as unknown[] | string).length === 0)
    refuse(`"${name}" is empty: there must be something to work on`);
  const gathered = new Gathered(imageSizes);
  gathered.addInput(items);
  for (const { key, valueStart, valueEnd } of members) {
    const inner = value[key];
    if (inner === null || !(promptFields.includes(key) || allowedFields.includes(key))) continue;
    gathered.text.push(
      typeof inner === 'string' ? inner : new TextDecoder().decode(body.subarray(valueStart, valueEnd)),
    );
  }
  return {
    promptText: gathered.text,
    images: { count: gathered.sizes.length, bytes: gathered.imageBytes, sizes: gathered.sizes },
  };
}

class Gathered {
  readonly text: string[] = [];
  readonly sizes: ImageSize[] = [];
  imageBytes = 0;
  readonly #known: ReadonlyMap<string, ImageSize>;
  #pixels = 0;

  constructor(known: ReadonlyMap<string, ImageSize>) {
    this.#known = known;
  }

  /** Images stand only where the rules know them; anything else that looks like one is text. */
  addInput(items: unknown): void {
    if (!Array.isArray(items)) return this.#add(items);
    for (const item of items as readonly unknown[]) {
      if (typeof item !== 'object' || item === null) this.#add(item);
      else
        for (const [key, inner] of Object.entries(item))
          if (partLists.has(key) && Array.isArray(inner)) for (const part of inner) this.#addPart(part);
          else this.#add(inner);
    }
  }

  #addPart(part: Readonly<Record<string, unknown>>): void {
    const { image_url: image, ...others } = part;
    if (!imageTypes.has(part['type']) || !this.#isImage(image)) return this.#add(part);
    this.#add(others);
  }

  #add(value: unknown): void {
    if (typeof value === 'string') this.text.push(value);
    else if (typeof value === 'number') this.text.push(String(value));
    else if (Array.isArray(value)) for (const element of value) this.#add(element);
    else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) this.#add(inner);
  }

  #isImage(value: unknown): boolean {
    const url: unknown = (value as { url?: unknown } | null | undefined)?.url ?? value;
    const size = this.#known.get(url as string);
    if (size === undefined) return false;
    this.sizes.push(size);
    this.imageBytes += (url as string).length;
    this.#pixels += size.width * size.height;
    if (this.sizes.length > MAX_IMAGES) refuse(`a request may have at most ${MAX_IMAGES} images`);
    if (this.#pixels > MAX_PIXELS) refuse(`the images of a request may have at most ${MAX_PIXELS} pixels together`);
    return true;
  }
}
