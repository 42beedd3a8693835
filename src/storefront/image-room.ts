import type { ImageSize } from '../openai/image.ts';

/** What goes before and behind an image, or between its parts. */
const MARKS_PER_IMAGE = 8;
/** Models that make all images of one size, or cut them into tiles, take this many at most: 64 × 64 squares, each row with an end. */
const MOST_OF_ONE_SIZE = 64 * 65;
/** Others take a token for each square of so many pixels that an image has begun, and one for each row; small images are made larger. */
const SQUARE_PIXELS = 28;

/**
 * Tokens that images take of the context at most: with Qwen-VL, Kimi-VL, GLM-V and their like by pixels, with Pixtral, LLaVA, InternVL, Llama 4,
 * MiniCPM-V and Gemma whatever the size. With a model that cuts an image into more tiles, as Granite Vision does, only its owner knows.
 * `perImage`: what is known of the model itself. As in llama.cpp's `clip.cpp` and the image processors of Hugging Face.
 */
export const imageRoom = (sizes: readonly ImageSize[], perImage?: number): number =>
  sizes.reduce((sum, size) => sum + MARKS_PER_IMAGE + (perImage ?? mostTokensOf(size)), 0);

function mostTokensOf({ width, height }: ImageSize): number {
  const [columns, rows] = [Math.ceil(width / SQUARE_PIXELS), Math.ceil(height / SQUARE_PIXELS)];
  return Math.max(MOST_OF_ONE_SIZE, rows * (columns + 1));
}
