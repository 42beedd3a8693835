import type { ImageSize, ImageTokens } from '../openai/image.ts';

/** What goes before and behind an image, or between its parts. */
const MARKS_PER_IMAGE = 8;
/** Models that make all images of one size, or cut them into tiles, take this many at most: 64 × 64 squares, each row with an end. */
const MOST_OF_ONE_SIZE = 64 * 65;
/** Others take a token for each square of so many pixels that an image has begun, and one for each row; small images are made larger. */
const SQUARE_PIXELS = 28;
/** Models do not take care of images that are longer than so many times their width: made smaller, they have more than is said of others. */
const LONGEST_ASPECT = 200;

/**
 * Tokens that images take of the context at most: with Qwen-VL, Kimi-VL, GLM-V and their like by pixels, with Pixtral, LLaVA, InternVL, Llama 4,
 * MiniCPM-V and Gemma whatever the size. With a model that cuts an image into more tiles, as Granite Vision does, only who knows the model knows.
 * `perImage`: what is known of the model itself. As in llama.cpp's `clip.cpp` and the image processors of Hugging Face.
 */
export const imageRoom = (sizes: readonly ImageSize[], perImage?: ImageTokens): number =>
  sizes.reduce((sum, size) => sum + MARKS_PER_IMAGE + mostTokensOf(size, perImage), 0);

function mostTokensOf(size: ImageSize, known: ImageTokens | undefined): number {
  if (known === undefined) return Math.max(MOST_OF_ONE_SIZE, squaresOf(size, SQUARE_PIXELS));
  const { most, bySize } = known;
  if (bySize === undefined) return most;
  const { squarePixels, least } = bySize;
  const madeOf = (tokens: number): number => squaresOf(scaled(size, tokens * squarePixels ** 2), squarePixels);
  const aspect = Math.max(size.width / size.height, size.height / size.width);
  if (aspect > LONGEST_ASPECT) return Math.max(madeOf(most), squaresOf(size, squarePixels));
  return Math.max(madeOf(least), Math.min(most, squaresOf(size, squarePixels)));
}

function squaresOf({ width, height }: ImageSize, squarePixels: number): number {
  const [columns, rows] = [Math.ceil(width / squarePixels), Math.ceil(height / squarePixels)];
  return rows * (columns + 1);
}

/** With so many pixels in all. */
function scaled({ width, height }: ImageSize, pixels: number): ImageSize {
  const factor = Math.sqrt(pixels / (width * height));
  return { width: width * factor, height: height * factor };
}
