import type { Msat } from '../money/msat.ts';

/** `lightning`, `grant`, `revenue`, `payout`, `buyer:<id>`, `reserved:<job key>`. */
export type AccountName = string;

export const LIGHTNING: AccountName = 'lightning';
/** Where credit comes from that the operator gives away. */
export const GRANT: AccountName = 'grant';
export const REVENUE: AccountName = 'revenue';
export const PAYOUT: AccountName = 'payout';
export const buyerAccount = (peer: string): AccountName => `buyer:${peer}`;
export const reservedAccount = (jobKey: string): AccountName => `reserved:${jobKey}`;

/** Moves `amountMsat` (> 0) from one account to another. Entries are only ever added; those that cancel each other out may go with a job that nobody paid. */
export interface Entry {
  readonly jobKey: string;
  readonly from: AccountName;
  readonly to: AccountName;
  readonly amountMsat: Msat;
  readonly reason: string;
}
