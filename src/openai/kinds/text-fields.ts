import { anything, flag, oneOf, only, text, word } from '../rule.ts';
import type { Fields } from '../rule.ts';
import { sampling } from '../sampling-fields.ts';
import { either, record, table } from '../shape.ts';
import { toolChoice } from '../tool-rules.ts';

export const STATE = 'nothing is kept between requests';

/** Read, bounded and priced by the gate itself. */
export const priced = anything;

/** How much a model thinks is bounded by the cap, as all output is. */
const thinking: Fields = {
  reasoning: record({
    effort: word,
    summary: word,
    generate_summary: word,
    enabled: flag,
    exclude: flag,
    context: word,
  }),
  include_reasoning: flag,
  think: either(flag, word),
  chat_template_kwargs: record({ enable_thinking: flag, thinking: flag, reasoning_effort: word }),
};

/** What a request for text may say, by whichever API. */
export const textFields: Fields = {
  model: priced,
  stream: flag,
  store: only(false, STATE),
  service_tier: oneOf('auto', 'default', 'flex'), // others cost more than is priced
  parallel_tool_calls: flag,
  tool_choice: toolChoice,
  user: text(512),
  safety_identifier: text(512),
  prompt_cache_key: text(512),
  metadata: table(text(512), 64),
  ...sampling,
  ...thinking,
};
