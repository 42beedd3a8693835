/** Content types and encoding of the openai.* task kinds, as both protocol versions carry them in stream_begin. */
export const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';
export const SSE_CONTENT_TYPE = 'text/event-stream; charset=utf-8';
export const IDENTITY_ENCODING = 'identity';
