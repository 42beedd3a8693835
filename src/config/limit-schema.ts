import { z } from 'zod';
import { seconds, whole } from './fields.ts';

/** Bytes of a chunk message that are not data. */
const CHUNK_OVERHEAD_BYTES = 122;

/** What one peer and all peers together may use, as written. */
export const limitsSchema = z
  .strictObject({
    max_payload_bytes: whole('Bytes of one message that we accept; told to buyers.', 60_000, {
      min: CHUNK_OVERHEAD_BYTES * 2,
      max: 65_533,
    }),
    max_input_bytes: whole('Bytes of one request; told to buyers. Raise it for long documents or images.', 4_194_304, {
      min: 1024,
    }),
    max_output_bytes: whole('Bytes of one answer; told to buyers.', 16_777_216, { min: 1024 }),
    max_inflight_jobs: whole('Jobs that may be under way at once, waiting ones included; told to buyers.', 256, {
      max: 65_535,
    }),
    max_choices: whole('Answers that one request may ask for (the field n).', 8, { max: 128 }),
    kept_for_trusted_percent: whole(
      'The part of each limit for all peers that is kept for trusted ones: those with a channel to our node, those that have paid, and peers.allow.',
      50,
      { min: 0, max: 100 },
    ),
    requests_per_minute_per_peer: whole('Requests of one peer in a minute; those that are paid do not count.', 600),
    requests_per_minute: whole('Requests of all peers in a minute; those that are paid do not count.', 6000),
    counting_seconds_per_minute_per_peer: whole(
      'Seconds in a minute that one peer may keep us counting tokens for quotes that it does not pay.',
      10,
    ),
    counting_seconds_per_minute: whole('The same for all peers.', 60),
    open_inputs_per_peer: whole('Requests that one peer may be sending at once.', 64, { max: 65_535 }),
    open_inputs: whole('Requests that all peers may be sending at once.', 512, { max: 1_000_000 }),
    input_memory_bytes_per_peer: whole(
      'Bytes of memory for the requests that one peer is sending. At least max_input_bytes.',
      67_108_864,
      { min: 1024 },
    ),
    input_memory_bytes: whole(
      'Bytes of memory for all requests that are being received. At least max_input_bytes.',
      268_435_456,
      { min: 1024 },
    ),
    open_quotes_per_peer: whole('Quotes of one peer that wait for payment.', 64, { max: 65_535 }),
    open_quotes: whole('Quotes of all peers that wait for payment.', 512, { max: 1_000_000 }),
    queue_length: whole('Paid jobs that may wait for a slot; beyond it requests are declined before payment.', 1024, {
      max: 1_000_000,
    }),
    longest_wait_seconds: seconds(
      'Seconds a paid job may have to wait for its slot, as far as one can tell; beyond it requests are declined before payment. No more than deadlines.queue_seconds counts.',
      120,
    ),
  })
  .describe('Limits against overload and abuse.');

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

/** How long things may take, as written. */
export const deadlinesSchema = z
  .strictObject({
    input_seconds: seconds('Seconds a buyer has to send its request.', 60),
    queue_seconds: seconds('Seconds a paid job may wait for a slot; then it becomes credit.', 300),
    first_byte_seconds: seconds('Seconds a backend may take until the first byte, loading the model included.', 120),
    idle_seconds: seconds('Seconds a backend may be silent in the middle of an answer.', 60),
    total_seconds: seconds('Seconds one answer may take in all. At least first_byte_seconds and idle_seconds.', 1800),
    retention_seconds: seconds('Seconds an answer is kept for a buyer that lost its connection.', 86_400),
    drain_seconds: seconds('Seconds that running jobs get to finish when the program is stopped.', 300),
  })
  .describe('How long things may take.');

/** When payments are taken, as written. */
export const paymentSchema = z
  .strictObject({
    mode: z
      .enum(['upfront', 'hold'])
      .default('upfront')
      .describe(
        'upfront: work starts when the payment has arrived, as LCP says; what is not used becomes credit. hold: the payment is only held until the first byte of the answer is there; if none comes the buyer pays nothing. Default upfront.',
      ),
    hold_seconds: whole(
      'Seconds a payment is held at most, waiting for a slot included; then the buyer gets it back. Far above an hour nodes give it back by themselves.',
      1800,
      { max: 7200 },
    ),
  })
  .describe('When payments are taken.');

/** The disk between backend and buyer, as written. */
export const spoolSchema = z
  .strictObject({
    max_bytes: whole(
      'Bytes of disk for answers that are not delivered yet. At least limits.max_output_bytes.',
      10_737_418_240,
      {
        min: 1024,
      },
    ),
    max_backlog_bytes: whole(
      'Bytes a backend may be ahead of its buyer before it is made to wait. At most max_bytes.',
      16_777_216,
      { min: 1024 },
    ),
  })
  .describe('Answers wait on disk between backend and buyer.');
