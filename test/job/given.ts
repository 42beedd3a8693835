import type { JobEvent } from '../../src/job/event.ts';
import type { Job } from '../../src/job/job.ts';
import { EVENTS, NOW_MS, OUTPUT, PRICE } from './sample-job.ts';

/** What a table does with one event. */
export interface Case {
  readonly name: string;
  readonly given: Partial<Job>;
  readonly event: JobEvent;
  readonly leadsTo: string;
  readonly effects?: readonly string[];
  readonly entries?: readonly string[];
  readonly job?: Partial<Job>;
}

export const E = EVENTS;
export const open = { funding: 'open' } as const;
export const closing = { funding: 'closing' } as const;
export const paid = { funding: 'funded', receivedMsat: PRICE, fundedAtMs: NOW_MS } as const;
export const queued = { ...paid, run: 'queued' } as const;
export const running = { ...paid, run: 'running', attempts: 1, startedAtMs: NOW_MS } as const;
export const producing = { ...running, run: 'producing', delivery: 'sending', streamId: OUTPUT.streamId } as const;
export const sold = { ...producing, funding: 'closed', run: 'ended', endedAtMs: NOW_MS } as const;
export const toCredit = ['reserved→buyer 50000'];
export const charged = ['reserved→revenue 500', 'reserved→buyer 49500'];
export const expired = 'send-error quote-expired';
