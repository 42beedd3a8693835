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
    model_loads_per_minute_per_peer: whole(
      'Models in a minute that are loaded because one peer asked for them; those that it then pays for do not count.',
      4,
    ),
    model_loads_per_minute: whole('The same for all peers.', 12),
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
      'Seconds a paid job may have to wait for its slot, as far as one can tell; beyond it requests are declined before payment. Above deadlines.queue_seconds that counts instead.',
      120,
    ),
  })
  .describe('Limits against overload and abuse.');
