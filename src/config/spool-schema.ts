import { z } from 'zod';
import { whole } from './fields.ts';

/** The disk between backend and buyer, as written. */
export const spoolSchema = z
  .strictObject({
    max_bytes: whole(
      'Bytes of disk for answers, and for the requests that wait for theirs. Room for one of each at least: limits.max_output_bytes, a sixteenth of it and 4096 for the marks of its chunks, and limits.max_input_bytes. Each job that was accepted has room reserved here.',
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
