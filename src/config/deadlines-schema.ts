import { z } from 'zod';
import { seconds } from './fields.ts';

/** How long things may take, as written. */
export const deadlinesSchema = z
  .strictObject({
    input_seconds: seconds('Seconds a buyer has to send its request.', 60),
    queue_seconds: seconds('Seconds a paid job may wait for a slot; then it becomes credit.', 300),
    first_byte_seconds: seconds(
      'Seconds a backend may take until the first byte of a stream, loading the model included. An answer in one piece (JSON) has total_seconds instead.',
      120,
    ),
    idle_seconds: seconds('Seconds a backend may be silent in the middle of an answer.', 60),
    total_seconds: seconds('Seconds one answer may take in all. At least first_byte_seconds and idle_seconds.', 1800),
    retention_seconds: seconds(
      'Seconds an answer is kept after its end for a buyer that lost its connection, or until its room is needed when it was delivered. A quote that nobody paid is forgotten this long after its end.',
      86_400,
    ),
    drain_seconds: seconds('Seconds that running jobs get to finish when the program is stopped.', 300),
  })
  .describe('How long things may take.');
