import { describe, expect, test } from 'vitest';
import { ollamaImageTokens } from '../../src/backend/ollama-images.ts';

/** What `/api/show` says of a model that sees by itself, and of the file that sees for it. Long lists are null. */
const model = (architecture: string, vision: object = {}): Record<string, unknown> => ({
  'general.architecture': architecture,
  ...Object.fromEntries(Object.entries(vision).map(([name, value]) => [`${architecture}.${name}`, value])),
});
const clip = (vision: object, more: object = {}): Record<string, unknown> => ({
  'general.architecture': 'clip',
  'clip.has_vision_encoder': true,
  ...Object.fromEntries(Object.entries(vision).map(([name, value]) => [`clip.vision.${name}`, value])),
  ...more,
});
const mlp = { 'clip.has_llava_projector': true, 'clip.projector_type': 'mlp' };
const clip336 = { image_size: 336, patch_size: 14 };
const siglip384 = { image_size: 384, patch_size: 14 };

describe('the tokens of an image, as Ollama tells of a model that sees by itself', () => {
  test.each([
    ['Gemma 3', model('gemma3', { 'vision.image_size': 896, 'vision.patch_size': 14 }), { most: 256 }],
    ['Gemma 3, which says it', model('gemma3', { 'mm.tokens_per_image': 256 }), { most: 256 }],
    [
      'Gemma 4',
      model('gemma4', { 'vision.patch_size': 16, 'vision.projector.scale_factor': 3 }),
      { most: 1120, bySize: { squarePixels: 48, least: 280 } },
    ],
    ['Llama 3.2 Vision', model('mllama', { 'vision.image_size': 560, 'vision.patch_size': 14 }), { most: 1 }],
    [
      'Qwen 2.5 VL',
      model('qwen25vl', { 'vision.patch_size': 14, 'vision.spatial_merge_size': 2 }),
      { most: 4096, bySize: { squarePixels: 28, least: 1024 } },
    ],
    [
      'Qwen 3 VL',
      model('qwen3vl', { 'vision.patch_size': 16, 'vision.spatial_merge_size': 2, 'vision.longest_edge': 16_777_216 }),
      { most: 4096, bySize: { squarePixels: 32, least: 1024 } },
    ],
    [
      'a Qwen-VL that says it may have more',
      model('qwen25vl', { 'vision.patch_size': 14, 'vision.max_pixels': 12_845_056 }),
      { most: 16_384, bySize: { squarePixels: 28, least: 1024 } },
    ],
    [
      'Mistral Small 3.1',
      model('mistral3', { 'vision.image_size': 1540, 'vision.patch_size': 14, spatial_merge_size: 2 }),
      { most: 55 * 56, bySize: { squarePixels: 28, least: 8 } },
    ],
    [
      'one whose way is not known here',
      model('llama4', { 'vision.image_size': 336, 'vision.patch_size': 14 }),
      undefined,
    ],
    ['one of which too little is told', model('qwen25vl'), undefined],
    ['one that only reads', model('llama', { context_length: 4096 }), undefined],
  ])('%s', (_name, info, tokens) => expect(ollamaImageTokens(info, undefined)).toEqual(tokens));
});

describe('the tokens of an image, as Ollama tells of what sees for a model', () => {
  test.each([
    ['LLaVA 1.5', clip(clip336, mlp), { most: 576 }],
    ['LLaVA from before projectors had names', clip(clip336, { 'clip.has_llava_projector': true }), { most: 576 }],
    ['LLaVA 1.6', clip({ ...clip336, image_grid_pinpoints: null }, mlp), { most: 5 * 576 }],
    [
      'LLaVA 1.6, where its grids are told',
      clip({ ...clip336, image_grid_pinpoints: [336, 672, 672, 336, 672, 672, 1008, 336, 336, 1008] }, mlp),
      { most: 5 * 576 },
    ],
    ['Granite Vision', clip({ ...siglip384, image_grid_pinpoints: null }, mlp), { most: 11 * 729 }],
    ['moondream', clip({ image_size: 378, patch_size: 14 }, mlp), { most: 729 }],
    ['MiniCPM-V 2.6', clip({ image_size: 448, patch_size: 14 }, { 'clip.projector_type': 'resampler' }), { most: 990 }],
    [
      'MiniCPM-V 2.5',
      clip({ image_size: 448, patch_size: 14 }, { 'clip.has_minicpmv_projector': true }),
      { most: 990 },
    ],
    [
      'Qwen 2 VL',
      clip({ image_size: 560, patch_size: 14 }, { 'clip.projector_type': 'qwen2vl_merger' }),
      { most: 4096, bySize: { squarePixels: 28, least: 1024 } },
    ],
    [
      'Pixtral',
      clip({ image_size: 1024, patch_size: 16 }, { 'clip.projector_type': 'pixtral' }),
      { most: 64 * 65, bySize: { squarePixels: 16, least: 8 } },
    ],
    ['one whose way is not known here', clip(clip336, { 'clip.projector_type': 'internvl' }), undefined],
    ['one of which nothing is told', {}, undefined],
  ])('%s', (_name, projector, tokens) =>
    expect(ollamaImageTokens(model('llama', { context_length: 4096 }), projector)).toEqual(tokens),
  );
});
