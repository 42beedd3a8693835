import type { CheckedRequest } from './checked-request.ts';
import type { JsonBody } from './json-body.ts';
import type { Kind } from './kinds/kind.ts';
import type { ImageSize } from './image.ts';
import { roleOf } from './input-shape.ts';
import { imageTypes, partLists } from './message-rules.ts';
import { asideKeys, partOfField, partOfMember } from './prompt-part.ts';
import type { PromptPart } from './prompt-part.ts';
import { refuse } from './refuse.ts';

const MAX_IMAGES = 16;
/** About two photographs of a camera: a server unpacks them all. */
const MAX_PIXELS = 33_554_432;

/** A body that passed the rules, and the sizes of its images by their URLs. */
export interface CheckedBody extends JsonBody {
  readonly imageSizes: ReadonlyMap<string, ImageSize>;
}

/** What of a request reaches the model. */
export type PromptText = Pick<CheckedRequest, 'promptText' | 'promptParts' | 'images'>;

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
    const asWritten = (): string => new TextDecoder().decode(body.subarray(valueStart, valueEnd));
    const part = partOfField(key);
    // Tools are written anew by whoever renders them.
    gathered.add(typeof inner === 'string' ? inner : part === 'tools' ? JSON.stringify(inner) : asWritten(), part);
  }
  const { text: promptText, parts: promptParts, sizes, imageBytes } = gathered;
  return { promptText, promptParts, images: { count: sizes.length, bytes: imageBytes, sizes } };
}

const THOUGHTS = { begin: '<think>', end: '</think>' };

class Gathered {
  readonly text: string[] = [];
  readonly parts: PromptPart[] = [];
  readonly sizes: ImageSize[] = [];
  imageBytes = 0;
  readonly #known: ReadonlyMap<string, ImageSize>;
  #pixels = 0;

  constructor(known: ReadonlyMap<string, ImageSize>) {
    this.#known = known;
  }

  add(text: string, part: PromptPart): void {
    this.text.push(text);
    this.parts.push(part);
  }

  /** Images stand only where the rules know them; anything else that looks like one is text. */
  addInput(items: unknown): void {
    if (!Array.isArray(items)) return this.#add(items, 'user');
    const lastSystem = items.findLastIndex((item) => roleOf(item) === 'system');
    for (const [at, item] of (items as readonly unknown[]).entries()) {
      if (typeof item !== 'object' || item === null) this.#add(item, 'user');
      else
        for (const [key, inner] of Object.entries(item)) {
          const part = partOfMember(item as Readonly<Record<string, unknown>>, key, at === lastSystem);
          if (partLists.has(key) && Array.isArray(inner)) for (const piece of inner) this.#addPiece(piece, part);
          else if (part === 'assistant' && typeof inner === 'string') this.#addAnswer(inner);
          else this.#add(inner, part);
        }
    }
  }

  /** Servers take the thoughts out of answers that are sent back, or leave them. */
  #addAnswer(text: string): void {
    const end = text.trimStart().startsWith(THOUGHTS.begin) ? text.indexOf(THOUGHTS.end) + THOUGHTS.end.length : 0;
    if (end > THOUGHTS.end.length) this.add(text.slice(0, end), 'thoughts');
    this.add(end > THOUGHTS.end.length ? text.slice(end) : text, 'assistant');
  }

  #addPiece(piece: Readonly<Record<string, unknown>>, part: PromptPart): void {
    const { image_url: image, ...others } = piece;
    const isImage = imageTypes.has(piece['type']) && this.#isImage(image);
    for (const [key, inner] of Object.entries(isImage ? others : piece))
      this.#add(inner, key === 'text' || key === 'refusal' ? part : key === 'type' ? 'role' : 'beside');
  }

  #add(value: unknown, part: PromptPart): void {
    if (typeof value === 'string') this.add(value, part);
    else if (typeof value === 'number') this.add(String(value), part);
    else if (Array.isArray(value)) for (const element of value) this.#add(element, part);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) this.#add(inner, asideKeys.has(key) ? 'beside' : part);
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
