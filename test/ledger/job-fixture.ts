import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Job } from '../../src/job/job.ts';
import { jobKey } from '../../src/job/job.ts';
import type { Change } from '../../src/ledger/ledger.ts';
import { openSqliteLedger, type SqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { msat } from '../../src/money/msat.ts';

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A job like those that the engine saves; `name` makes it another one. */
export function jobNamed(name: string, fields: Partial<Job> = {}): Job {
  const peer = `02${hex(name.split('#')[0] ?? name)}`;
  const jobId = hex(name);
  return {
    key: jobKey(peer, 3, jobId),
    peer,
    version: 3,
    jobId,
    terms: {
      taskKind: 'openai.chat_completions.v1',
      paramsHex: '0a0b',
      inputStreamId: hex(`${name} stream`),
      inputSha256: hex(`${name} input`),
      inputBytes: 7,
      inputContentType: 'application/json; charset=utf-8',
      inputContentEncoding: 'identity',
      priceMsat: msat(123_456n),
      quoteExpiryS: 1_800_000_000,
      termsHash: hex(`${name} terms`),
    },
    work: { model: 'llama3.2:1b', stream: true, usageWanted: false, maxOutputTokensPerChoice: 100, choices: 1 },
    breakdown: { inputTokens: 12, maxOutputTokens: 100, listMsat: msat(2n ** 60n) } as unknown as Job['breakdown'],
    limits: { maxPayloadBytes: 16_384, maxResultBytes: 1 << 24 },
    funding: 'invoicing',
    run: 'none',
    delivery: 'none',
    preimage: hex(`${name} preimage`),
    paymentHash: hex(`${name} hash`),
    attempts: 0,
    cancelled: false,
    acceptedAtMs: 1_790_000_000_000,
    changedAtMs: 1_790_000_000_000,
    ...fields,
  };
}

/** A change that saves a job and nothing else but what is given. */
export const changeOf = (job: Job, rest: Partial<Change> = {}): Change => ({ job, entries: [], effects: [], ...rest });

/** A directory that goes away with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lcp-ledger-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A ledger in a file of its own, closed with the test. */
export async function temporaryLedger(): Promise<{ ledger: SqliteLedger; path: string }> {
  const path = join(await temporaryDirectory(), 'data', 'ledger.sqlite');
  const ledger = await openSqliteLedger({ path });
  onTestFinished(() => ledger.close());
  return { ledger, path };
}
