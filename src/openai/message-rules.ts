import { imageSize } from './image.ts';
import { anyText, anything, faulty, only, oneOf, text, whole, word } from './rule.ts';
import type { Fields, Rule } from './rule.ts';
import { byType, either, list, record } from './shape.ts';

const MEDIA = 'send text';
const STATE = 'nothing is kept between requests: send the whole input';

const id = text(16_384); // some proxies keep signatures in them
const role = oneOf('system', 'developer', 'user', 'assistant', 'tool', 'function');
const cacheControl = record({ type: word, ttl: word });

const refusedTypes = (types: string, reason: string) =>
  Object.fromEntries(types.split(/\s+/).map((type) => [type, reason]));

/** Parts that are no text; a server that knows one of them would do work that is not priced. */
const media = {
  ...refusedTypes('input_audio audio audio_url audio_embeds', 'audio is not taken, send text'),
  ...refusedTypes('video video_url input_video file input_file file_url document', MEDIA),
  ...refusedTypes('image image_embeds image_pil input_screenshot', MEDIA),
};

/** Images come inside the request: a backend that fetches addresses for buyers can be sent anywhere. */
const imageUrl: Rule = (value, { allowImages, whyNoImages = 'images are not sold here', imageSizes }) => {
  if (!allowImages) return faulty(`is not sold here: ${whyNoImages}, send text`);
  const size = typeof value === 'string' ? (imageSizes.get(value) ?? imageSize(value)) : undefined;
  if (size === undefined)
    return faulty(
      'must be a data:image/…;base64 URL of a PNG or JPEG: addresses are not fetched, other formats not taken',
    );
  imageSizes.set(value as string, size);
  return undefined;
};

/** Where in a message or an item parts may stand, and the types of those that are images. */
export const partLists: ReadonlySet<string> = new Set(['content', 'output', 'summary']);
export const imageTypes: ReadonlySet<unknown> = new Set(['image_url', 'input_image']);

const part = (type: string): Rule => record({ type: oneOf(type), text: anyText, cache_control: cacheControl });

const chatParts = byType(
  {
    text: part('text'),
    refusal: record({ type: word, refusal: anyText }),
    image_url: record({ type: word, image_url: record({ url: imageUrl, detail: word }), cache_control: cacheControl }),
  },
  media,
);

const calledFunction = record({ name: id, arguments: anyText });
const toolCall = record({
  id,
  type: oneOf('function', 'custom'),
  index: whole(0, 65_535),
  function: calledFunction,
  custom: record({ name: id, input: anyText }),
  extra_content: anything,
});

/** One message of a chat. Clients send an assistant's message back as they got it, whatever the server had put there. */
export const chatMessages = list(
  record({
    role,
    name: id,
    content: either(anyText, list(chatParts)),
    tool_calls: list(toolCall),
    tool_call_id: id,
    function_call: calledFunction,
    refusal: anyText,
    reasoning: anyText,
    reasoning_content: anyText,
    reasoning_details: anything,
    thinking_blocks: anything,
    annotations: anything,
    provider_specific_fields: anything,
    cache_control: cacheControl,
    audio: only(null, MEDIA),
    images: only(null, MEDIA),
  }),
);

const responseParts = byType(
  {
    input_text: part('input_text'),
    output_text: record({ type: word, text: anyText, annotations: anything, logprobs: anything }),
    summary_text: part('summary_text'),
    reasoning_text: part('reasoning_text'),
    text: part('text'),
    refusal: record({ type: word, refusal: anyText }),
    input_image: record({ type: word, image_url: imageUrl, detail: word, file_id: only(null, MEDIA) }),
  },
  media,
);
const content = either(anyText, list(responseParts));

const item = (fields: Fields): Rule =>
  record({ type: word, id, status: word, internal_chat_message_metadata_passthrough: anything, ...fields });

const responseItem = byType(
  {
    message: item({ role, content, phase: word }),
    function_call: item({ call_id: id, name: id, namespace: id, arguments: anyText }),
    function_call_output: item({ call_id: id, output: content }),
    custom_tool_call: item({ call_id: id, name: id, input: anyText }),
    custom_tool_call_output: item({ call_id: id, output: content }),
    reasoning: item({ summary: list(responseParts), content: list(responseParts), encrypted_content: anyText }),
    web_search_call: item({ action: anything }),
  },
  {
    ...media,
    item_reference: STATE,
    image_generation_call: MEDIA,
    computer_call_output: MEDIA,
    mcp_approval_response: STATE,
  },
  'message',
);

/** What a response is made from. */
export const responseInput = either(anyText, list(responseItem));
