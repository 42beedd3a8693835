import { E, producing, sold } from './given.ts';
import type { Case } from './given.ts';
import { NOW_MS } from './sample-job.ts';

export const delivery: Case[] = [
  {
    name: 'a lost peer pauses the delivery',
    given: producing,
    event: E['peer-lost'],
    leadsTo: 'funded producing paused',
    effects: ['stop-delivery'],
  },
  {
    name: 'also when all was sent',
    given: { ...sold, delivery: 'finishing' },
    event: E['peer-lost'],
    leadsTo: 'closed ended paused',
    effects: ['stop-delivery'],
  },
  {
    name: 'its return resumes it',
    given: { ...sold, delivery: 'paused' },
    event: E['peer-returned'],
    leadsTo: 'closed ended sending',
    effects: ['deliver'],
  },
  {
    name: 'what was sent waits for a moment',
    given: sold,
    event: E['stream-sent'],
    leadsTo: 'closed ended finishing',
    job: { sentAtMs: NOW_MS + 1 },
  },
  {
    name: 'and has arrived if the peer is still there',
    given: { ...sold, delivery: 'finishing' },
    event: E['delivery-confirmed'],
    leadsTo: 'closed ended delivered',
  },
  { name: 'a restart pauses it', given: sold, event: E.restarted, leadsTo: 'closed ended paused' },
  {
    name: 'retention waits for the run',
    given: { ...producing, delivery: 'paused' },
    event: E['retention-passed'],
    leadsTo: 'funded producing paused',
  },
  {
    name: 'what nobody fetched is deleted',
    given: { ...sold, delivery: 'paused' },
    event: E['retention-passed'],
    leadsTo: 'closed ended unclaimed',
    effects: ['delete-contents'],
  },
  {
    name: 'so is what was delivered',
    given: { ...sold, delivery: 'delivered' },
    event: E['retention-passed'],
    leadsTo: 'closed ended done',
    effects: ['delete-contents'],
  },
];
