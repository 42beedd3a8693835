import { describe, expect, test } from 'vitest';
import { imageSize } from '../../src/openai/image.ts';
import { checkRequest } from '../../src/openai/request.ts';
import type { CheckedRequest, RequestLimits, TaskKind } from '../../src/openai/request.ts';
import { jpeg, jpegOfSegments, png, pngWithHeaders } from './images.ts';

const CHAT = 'openai.chat_completions.v1';
const RESPONSES = 'openai.responses.v1';

function check(kind: TaskKind, fields: object, limits: Partial<RequestLimits> = {}) {
  const body = new TextEncoder().encode(JSON.stringify({ model: 'm', ...fields }));
  return checkRequest(kind, body, 'm', { maxOutputTokens: 100, allowImages: true, ...limits });
}

function checked(kind: TaskKind, fields: object): CheckedRequest {
  const result = check(kind, fields);
  if ('refusal' in result) throw new Error(result.message);
  return result;
}

const withParts = (...content: object[]) => ({ messages: [{ role: 'user', content }] });
const image = (url: string) => ({ type: 'image_url', image_url: { url, detail: 'high' } });
const laterHeader = pngWithHeaders([1, 1], [1, 1]).replace(btoa('\0\0\rIHDR\0\0'), btoa('\0\0\rtEXt\0\0'));
const text = { type: 'text', text: 'What is this?' };

describe('the size of an image', () => {
  test.each([
    [png(640, 480), 640, 480],
    [jpeg(640, 480), 640, 480],
    [jpeg(4000, 3000, 60_000, 0xc2), 4000, 3000],
    [jpeg(1, 2).replace('image/jpeg', 'image/png'), 1, 2],
    [pngWithHeaders([640, 480]), 640, 480],
    [jpegOfSegments(0xe0, 0xdb, 0xc0, 0xc4), 3, 3],
  ])('is read from its header', (url, width, height) => expect(imageSize(url)).toEqual({ width, height }));

  test.each([
    ['an address', 'https://10.0.0.1/a.png'],
    ['a file', 'file:///etc/passwd'],
    ['text', 'data:text/html;base64,AAAA'],
    ['a picture of no size', png(0, 480)],
    ['a JPEG whose size comes later', jpeg(640, 0)],
    ['a format with several sizes', `data:image/webp;base64,${Buffer.from('RIFF....WEBPVP8X').toString('base64')}`],
    ['another format under this name', `data:image/png;base64,${Buffer.from('GIF89a..........').toString('base64')}`],
    ['letters that some decoders skip', png(640, 480).replace(/.{4}$/, '-_-_')],
    ['white space that some decoders skip', png(640, 480).replace(/.{4}$/, '    ')],
    ['half a group', png(640, 480).slice(0, -1)],
    ['nothing', 'data:image/png;base64,'],
    ['the first bytes of a PNG', png(640, 480).slice(0, -8)],
    ['a PNG that tells twice, where decoders differ', pngWithHeaders([1, 1], [13_000, 13_000])],
    ['a PNG that tells twice the same', pngWithHeaders([1, 1], [1, 1])],
    ['a PNG that tells later', laterHeader],
    ['a JPEG that tells twice, where decoders differ', jpegOfSegments(0xc0, 0xc4, 0xc2)],
    ['a JPEG with a hierarchy of sizes', jpegOfSegments(0xc0, 0xde)],
    ['a JPEG with a segment that some decoders look into', jpegOfSegments(0xc0, 0xf0)],
    ['a JPEG with bytes between its segments that some decoders skip', jpegOfSegments(0xc0).replace('/9o', 'AAAA/9o')],
    ['a JPEG that tells after its first scan', jpegOfSegments(0xda, 0xc0)],
    ['a JPEG that never tells', jpeg(640, 480).slice(0, -8)],
  ])('of %s is not known', (_what, url) => expect(imageSize(url)).toBeUndefined());
});

describe('where images are sold', () => {
  test('those of chats and of responses are counted, and are no text', () => {
    const url = png(640, 480);
    expect(checked(CHAT, withParts(text, image(url), image(url)))).toMatchObject({
      images: { count: 2, bytes: 2 * url.length },
      promptText: ['user', 'text', 'What is this?', 'image_url', 'image_url'],
    });
    const part = { type: 'input_image', image_url: url };
    const input = [
      { role: 'user', content: [{ type: 'input_text', text: 'a' }, part] },
      { type: 'function_call_output', call_id: 'c', output: [part] },
    ];
    expect(checked(RESPONSES, { input })).toMatchObject({ images: { count: 2, bytes: 2 * url.length } });
  });

  test('each tells its size, also one that stands there twice', () => {
    const { images } = checked(CHAT, withParts(image(png(640, 480)), image(jpeg(30, 20)), text, image(png(640, 480))));
    expect(images.sizes).toEqual([
      { width: 640, height: 480 },
      { width: 30, height: 20 },
      { width: 640, height: 480 },
    ]);
  });

  test('what looks like one in another place is text, and counted as such', () => {
    const hidden = { type: 'image_url', image_url: { url: png(1, 1) } };
    const annotated = checked(CHAT, { messages: [{ role: 'assistant', content: 'a', annotations: [hidden] }] });
    expect(annotated.images.count).toBe(0);
    expect(annotated.promptText).toContain(png(1, 1));
    const typed = checked(CHAT, withParts({ type: 'text', text: png(1, 1) }));
    expect(typed).toMatchObject({ images: { count: 0 } });
  });

  test.each([
    ['an address', [image('https://10.0.0.1/a.png')], 'addresses are not fetched'],
    ['one too many', Array.from({ length: 17 }, () => image(png(1, 1))), 'at most 16 images'],
    ['a small file of very many pixels', [image(png(30_000, 30_000))], 'at most 33554432 pixels'],
    ['many large ones', Array.from({ length: 3 }, () => image(jpeg(4000, 3000))), 'at most 33554432 pixels'],
  ])('%s is refused', (_what, parts, why) =>
    expect(check(CHAT, withParts(text, ...parts))).toMatchObject({ message: expect.stringContaining(why) as string }),
  );

  test.each(['input_audio', 'audio_url', 'video_url', 'file'])('%s is refused all the same', (type) => {
    const why = type.includes('audio') ? 'audio is not taken, send text' : 'send text';
    expect(check(CHAT, withParts(text, { type, [type]: {} }))).toMatchObject({
      message: `"messages[0].content[1]" of type "${type}" is not sold here: ${why}`,
    });
  });
});

test('where images are not sold the buyer is told why', () => {
  const why = { allowImages: false, whyNoImages: 'this model can not see' };
  expect(check(CHAT, withParts(image(png(1, 1))), why)).toMatchObject({
    message: '"messages[0].content[0].image_url.url" is not sold here: this model can not see, send text',
  });
});
