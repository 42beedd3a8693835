import { createHash } from 'node:crypto';
import type { Deadlines } from '../../src/job/deadline.ts';
import type { Entry } from '../../src/job/entry.ts';
import type { JobEvent } from '../../src/job/event.ts';
import { jobKey } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';
import type { Step } from '../../src/job/step.ts';
import { msat } from '../../src/money/msat.ts';

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

export const NOW_MS = Date.UTC(2026, 0, 1);
export const PRICE = msat(50_000n);
const PEER = `02${hex('peer')}`;

/** 1 msat for a token of input, 10 for one of output. */
export const PER_TOKEN = { input: 1n, output: 10n };

export const DEADLINES: Deadlines = {
  holdMs: 1_800_000,
  queueMs: 300_000,
  totalMs: 1_800_000,
  retentionMs: 86_400_000,
};

export const OUTPUT = {
  streamId: hex('stream'),
  contentType: 'text/event-stream; charset=utf-8',
  bytes: 100,
  sha256: hex('output'),
};
export const USAGE = { inputTokens: 100, outputTokens: 40 };
/** What USAGE costs. */
export const CHARGE = 500n;

/** A job as it is accepted, or further on. */
export function sampleJob(fields: Partial<Job> = {}): Job {
  return {
    key: jobKey(PEER, 2, hex('job')),
    peer: PEER,
    version: 2,
    jobId: hex('job'),
    terms: {
      taskKind: 'openai.chat_completions.v1',
      paramsHex: '',
      inputStreamId: hex('input stream'),
      inputSha256: hex('input'),
      inputBytes: 100,
      inputContentType: 'application/json; charset=utf-8',
      inputContentEncoding: 'identity',
      priceMsat: PRICE,
      quoteExpiryS: NOW_MS / 1000 + 300,
      termsHash: hex('terms'),
    },
    work: { model: 'm', stream: true, usageWanted: false, maxOutputTokensPerChoice: 1000, choices: 1 },
    breakdown: {
      estimator: 'bytes',
      inputTokens: 100,
      maxOutputTokens: 1000,
      price: {
        inputMsatPerMtok: msat(PER_TOKEN.input * 1_000_000n),
        outputMsatPerMtok: msat(PER_TOKEN.output * 1_000_000n),
        requestMsat: msat(0n),
      },
      rules: [],
      listMsat: msat(10_100n),
      minPriceMsat: msat(1000n),
      priceMsat: PRICE,
    },
    limits: { maxPayloadBytes: 16_384, maxResultBytes: 1 << 20 },
    funding: 'invoicing',
    run: 'none',
    delivery: 'none',
    preimage: hex('preimage'),
    paymentHash: hex('hash'),
    attempts: 0,
    cancelled: false,
    acceptedAtMs: NOW_MS,
    changedAtMs: NOW_MS,
    ...fields,
  };
}

/** One of each kind of event that reaches a job from outside. */
export const EVENTS = {
  'invoice-created': { kind: 'invoice-created', paymentRequest: 'lnbc…' },
  'invoice-refused': { kind: 'invoice-refused', reason: 'no' },
  'invoice-cancelled': { kind: 'invoice-cancelled' },
  'payment-settled': { kind: 'payment-settled', receivedMsat: PRICE },
  'payment-held': { kind: 'payment-held', heldMsat: PRICE },
  'hold-expired': { kind: 'hold-expired' },
  'quote-expired': { kind: 'quote-expired' },
  'cancel-requested': { kind: 'cancel-requested' },
  'request-repeated': { kind: 'request-repeated' },
  'slot-granted': { kind: 'slot-granted' },
  'queue-timed-out': { kind: 'queue-timed-out' },
  'attempt-failed': { kind: 'attempt-failed', retryable: true, reason: 'broken' },
  'first-byte-timed-out': { kind: 'first-byte-timed-out', retryable: true },
  'next-byte-timed-out': { kind: 'next-byte-timed-out' },
  'output-began': { kind: 'output-began', streamId: OUTPUT.streamId, contentType: OUTPUT.contentType },
  'output-ended': { kind: 'output-ended', output: OUTPUT, usage: USAGE },
  'cut-short': { kind: 'cut-short', reason: 'too large', usage: USAGE },
  'run-aborted': { kind: 'run-aborted', usage: USAGE },
  'run-timed-out': { kind: 'run-timed-out' },
  restarted: { kind: 'restarted' },
  'peer-lost': { kind: 'peer-lost' },
  'peer-returned': { kind: 'peer-returned' },
  'stream-sent': { kind: 'stream-sent' },
  'delivery-confirmed': { kind: 'delivery-confirmed' },
  'retention-passed': { kind: 'retention-passed' },
} as const satisfies Partial<Record<JobEvent['kind'], JobEvent>>;

export const statesOf = (job: Job): string => `${job.funding} ${job.run} ${job.delivery}`;

/** `lightning→reserved 50000` and so on: accounts without their ids. */
export const entriesOf = (entries: readonly Entry[]): string[] =>
  entries.map(({ from, to, amountMsat }) => `${from.split(':')[0]}→${to.split(':')[0]} ${amountMsat}`);

export const effectsOf = (step: Step): string[] =>
  step.effects.map((effect) =>
    'code' in effect
      ? `${effect.kind} ${effect.code}`
      : 'status' in effect
        ? `${effect.kind} ${effect.status}`
        : effect.kind,
  );
