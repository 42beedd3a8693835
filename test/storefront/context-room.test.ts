import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outputRoom } from '../../src/storefront/context-room.ts';
import type { ImageSize } from '../../src/openai/image.ts';
import { imageRoom } from '../../src/storefront/image-room.ts';

const exact = (tokens: number) => ({ tokens, how: { accuracy: 'exact' as const } });
const imagesOf = (...sizes: ImageSize[]) => ({ count: sizes.length, bytes: 1000, sizes });
const asking = (maxOutputTokensPerChoice: number, namesCap = true, images = imagesOf()) => ({
  namesCap,
  maxOutputTokensPerChoice,
  promptText: [],
  images,
});

describe('prompt and answer', () => {
  test('that fill the context are sold; one token more is refused, with the figures and what would fit', () => {
    expect(outputRoom(asking(60), exact(40), 100)).toBe(60);
    expect(outputRoom(asking(61), exact(40), 100)).toEqual({
      refusal: 'unsupported-params',
      message:
        'the prompt takes 40 of the 100 tokens that this model has for prompt and answer together: ask for at most 60 of output, not 61',
    });
  });

  test('are bound by the cap alone where the context is not known', () => {
    expect(outputRoom(asking(4_096, false), exact(1e9), undefined)).toBe(4_096);
  });

  test('without a cap get what fits, but not next to nothing', () => {
    expect(outputRoom(asking(4_096, false), exact(84), 100)).toBe(16);
    expect(outputRoom(asking(4_096, false), exact(85), 100)).toEqual({
      refusal: 'payload-too-large',
      message:
        'the prompt takes 85 of the 100 tokens that this model has for prompt and answer together: no answer fits beside it',
    });
    expect(outputRoom(asking(10, false), exact(90), 100)).toBe(10);
  });

  test('of which the prompt alone is too long are refused without a figure: the count may have stopped early', () => {
    for (const namesCap of [true, false])
      expect(outputRoom(asking(5, namesCap), exact(100), 100)).toEqual({
        refusal: 'payload-too-large',
        message: 'the prompt does not fit into the 100 tokens that this model has for prompt and answer together',
      });
  });

  test.each([
    ['estimate', /^the prompt takes about 60 of/],
    ['convention', /^the prompt counts as 60 of/],
  ] as const)('that were not counted exactly are not told as if they were: %s', (accuracy, words) => {
    const refused = outputRoom(asking(50), { tokens: 60, how: { accuracy } }, 100);
    expect(refused).toMatchObject({ message: expect.stringMatching(words) as string });
  });

  test('fit together whenever they are sold, and never above the cap', () => {
    const size = fc.integer({ min: 1, max: 300 });
    const property = fc.property(size, size, size, fc.boolean(), (cap, tokens, contextTokens, namesCap) => {
      const room = outputRoom(asking(cap, namesCap), exact(tokens), contextTokens);
      if (typeof room === 'number') {
        expect(room).toBeLessThanOrEqual(cap);
        expect(room).toBeGreaterThan(0);
        expect(tokens + room).toBeLessThanOrEqual(contextTokens);
        if (namesCap) expect(room).toBe(cap);
      } else expect(tokens + cap).toBeGreaterThan(contextTokens);
    });
    fc.assert(property);
  });
});

describe('images', () => {
  const photo = { width: 4000, height: 3000 };
  const icon = { width: 16, height: 16 };

  test('take a token for each square of 28 pixels and each row of them, or what models take whatever the size', () => {
    expect(imageRoom([])).toBe(0);
    expect(imageRoom([photo])).toBe(108 * (143 + 1) + 8);
    expect(imageRoom([icon, icon])).toBe(2 * (4160 + 8));
  });

  // As Hugging Face and llama.cpp make them: both sides to whole squares, the area into bounds.
  test('take no more than that with models that cut them into squares', () => {
    const side = fc.integer({ min: 1, max: 8000 });
    const property = fc.property(side, side, fc.constantFrom(28, 32), (width, height, square) => {
      const [columns, rows] = [Math.max(1, Math.round(width / square)), Math.max(1, Math.round(height / square))];
      const made = Math.max(columns * rows, 1024); // Ollama has Qwen-VL make small ones as large
      expect(imageRoom([{ width, height }])).toBeGreaterThanOrEqual(Math.min(made, 16_384) + 2);
    });
    fc.assert(property);
  });

  test('take what is known of the model, where it is', () => {
    expect(imageRoom([photo, icon], { most: 256 })).toBe(2 * 264);
    const qwen = { most: 4096, bySize: { squarePixels: 28, least: 1024 } };
    expect(imageRoom([photo], qwen)).toBe(4096 + 8);
    expect(imageRoom([{ width: 1024, height: 1024 }], qwen)).toBe(37 * 38 + 8);
    expect(imageRoom([icon], qwen)).toBe(32 * 33 + 8);
  });

  /** llama.cpp's `calc_size_preserved_ratio`, as `mtmd_image_preprocessor_dyn_size` asks: columns and rows of squares. */
  const inLlamaCpp = ({ width, height }: ImageSize, square: number, least: number, most: number): [number, number] => {
    const made = (size: number, round: (size: number) => number, factor = 1): number =>
      Math.max(1, round((size * factor) / square));
    const [columns, rows] = [made(width, Math.round), made(height, Math.round)];
    const factorTo = (tokens: number): number => Math.sqrt((tokens * square ** 2) / (width * height));
    if (columns * rows > most)
      return [made(width, Math.floor, factorTo(most)), made(height, Math.floor, factorTo(most))];
    if (columns * rows < least)
      return [made(width, Math.ceil, factorTo(least)), made(height, Math.ceil, factorTo(least))];
    return [columns, rows];
  };

  test.each([
    ['Qwen-VL', { squarePixels: 28, least: 1024 }, 4096, 4096, 0],
    ['Qwen 3 VL', { squarePixels: 32, least: 1024 }, 4096, 4096, 0],
    ['Gemma 4', { squarePixels: 48, least: 280 }, 1120, 1120, 0],
    ['Mistral Small 3.1', { squarePixels: 28, least: 8 }, 3080, 1024, 1],
  ])('take no more than what is known says, however long and thin: %s', (_model, bySize, most, made, endsOfRows) => {
    const side = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 200_000 }));
    const property = fc.property(side, side, (width, height) => {
      const [columns, rows] = inLlamaCpp({ width, height }, bySize.squarePixels, bySize.least, made);
      expect(imageRoom([{ width, height }], { most, bySize })).toBeGreaterThanOrEqual(
        rows * (columns + endsOfRows) + 2,
      );
    });
    fc.assert(property, { numRuns: 2000 });
  });

  /** Ollama's own engine: `model/models/mistral3/imageproc.go`. */
  test('take no more than what is known says with Mistral in the engine that Ollama had', () => {
    const side = fc.integer({ min: 1, max: 20_000 });
    const property = fc.property(side, side, (width, height) => {
      const ratio = Math.max(1, width / 1540, height / 1540);
      const squares = (size: number): number => Math.floor(Math.ceil(Math.max(1, Math.floor(size / ratio)) / 14) / 2);
      const tokens = squares(height) * (squares(width) + 1);
      const known = { most: 55 * 56, bySize: { squarePixels: 28, least: 8 } };
      expect(imageRoom([{ width, height }], known)).toBeGreaterThanOrEqual(tokens);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test('leave less room for the answer', () => {
    const shown = asking(4_096, false, imagesOf(icon));
    expect(outputRoom(shown, exact(40), 5_000)).toBe(5_000 - 40 - 4_168);
    expect(outputRoom(shown, exact(40), 5_000, { most: 576 })).toBe(4_096);
    expect(outputRoom(asking(800, true, imagesOf(icon)), exact(40), 5_000)).toEqual({
      refusal: 'unsupported-params',
      message:
        'the prompt takes with its images up to 4208 of the 5000 tokens that this model has for prompt and answer together: ask for at most 792 of output, not 800',
    });
  });

  test.each([true, false])('that leave no room are why nothing fits; with a cap: %s', (namesCap) =>
    expect(outputRoom(asking(5, namesCap, imagesOf(icon)), exact(40), 4_096)).toEqual({
      refusal: 'payload-too-large',
      message:
        'the prompt takes with its images up to 4208 of the 4096 tokens that this model has for prompt and answer together: no answer fits beside it',
    }),
  );
});

describe('texts without output', () => {
  const texts = (...promptText: string[]) => ({
    namesCap: false,
    maxOutputTokensPerChoice: 0,
    promptText,
    images: imagesOf(),
  });

  test('have the context to themselves, each of them', () => {
    const ten = Array.from({ length: 10 }, () => 'x'.repeat(100));
    expect(outputRoom(texts(...ten), exact(1_000), 100)).toBe(0);
    expect(outputRoom(texts(...ten, 'x'.repeat(101)), exact(1_101), 100)).toEqual({
      refusal: 'payload-too-large',
      message: 'a text of about 101 tokens does not fit into the 100 tokens that this model has for each text',
    });
  });

  test('are refused by the count of the longest where it is known, however many bytes each has', () => {
    const twice = texts('x'.repeat(10), 'x'.repeat(1_000));
    expect(outputRoom(twice, { ...exact(150), longestTextTokens: 100 }, 100)).toBe(0);
    expect(outputRoom(twice, { ...exact(150), longestTextTokens: 101 }, 100)).toMatchObject({
      refusal: 'payload-too-large',
    });
  });
});
