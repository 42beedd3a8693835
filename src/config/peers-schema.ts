import { z } from 'zod';

const nodeId = z
  .string()
  .regex(/^0[23][0-9a-fA-F]{64}$/, 'expected a node id: 66 hex digits that begin with 02 or 03')
  .transform((id) => id.toLowerCase());

/** Who is served, as written. */
export const peersSchema = z
  .strictObject({
    allow: z
      .array(nodeId)
      .default([])
      .describe(
        'Node ids. If any is named, only these are served (and with channel_only those with a channel too); they are trusted. Default: none named, all are served.',
      ),
    deny: z.array(nodeId).default([]).describe('Node ids that we do not answer, whatever they send. Default: none.'),
    channel_only: z
      .boolean()
      .default(false)
      .describe('true: sell only to peers with an open channel to our node, and to peers.allow. Default false.'),
  })
  .describe('Who is served.');
