import type { Job } from '../job/job.ts';

const GONE = '';

/**
 * What is kept of a job once its contents are gone: its story, and what tells a repeated request. The secrets and the names of streams and their
 * bytes, which led to the answer, are read back empty.
 */
export function tombstoneOf(job: Job): Job {
  if (job.delivery !== 'done' && job.delivery !== 'unclaimed') return job;
  const { terms, output, paymentRequest, streamId, contentType } = job;
  return {
    ...job,
    preimage: GONE,
    ...(paymentRequest === undefined ? {} : { paymentRequest: GONE }),
    ...(streamId === undefined ? {} : { streamId: GONE }),
    ...(contentType === undefined ? {} : { contentType: GONE }),
    terms: {
      ...terms,
      inputStreamId: GONE,
      inputSha256: GONE,
      inputContentType: GONE,
      inputContentEncoding: GONE,
      termsHash: GONE,
    },
    ...(output === undefined ? {} : { output: { ...output, streamId: GONE, contentType: GONE, sha256: GONE } }),
  };
}
