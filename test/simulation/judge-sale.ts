import { buyerAccount, LIGHTNING, REVENUE } from '../../src/job/entry.ts';
import type { Job } from '../../src/job/job.ts';
import type { BackendRun, Sale } from './sale.ts';
import type { Scene } from './scene.ts';
import { PRICES } from './scene.ts';
import { sha256 } from './witness.ts';

const BYTES_PER_TOKEN = 4;

/** What must hold for one sale, when it is over. */
export function judgeSale(scene: Scene, sale: Sale, job: Job): void {
  const { world, books, account, buyers } = scene;
  const { label } = sale;
  const violate = (law: string, text: string): void => world.violate(law, `${label}: ${text}`);
  const invoice = account.invoice(job.paymentHash)?.state;
  const receivedMsat = invoice?.state === 'settled' ? invoice.receivedMsat : 0n;
  const entries = books.entries(job.key);
  const sum = (from: string, to: string): bigint =>
    entries.reduce(
      (total, entry) => (entry.from.startsWith(from) && entry.to.startsWith(to) ? total + entry.amountMsat : total),
      0n,
    );
  const own = buyerAccount(job.peer);
  const reservedMsat = sum(own, 'reserved:');
  const coverMsat = receivedMsat + reservedMsat;
  const chargeMsat = sum('', REVENUE);
  if (sum(LIGHTNING, '') !== receivedMsat)
    violate('a payment is booked once', `${sum(LIGHTNING, '')} of ${receivedMsat} msat`);
  if (chargeMsat > coverMsat) violate('no charge above the cover', `${chargeMsat} of ${coverMsat} msat`);
  if (sum('', own) !== coverMsat - chargeMsat)
    violate('what is not charged is credited', `${sum('', own)} of ${coverMsat - chargeMsat} msat`);
  if (receivedMsat === 0n) {
    if (sale.chunks.size > 0) violate('who did not pay gets no byte', `${sale.chunks.size} chunks`);
    if (chargeMsat > 0n) violate('who did not pay is not charged', `${chargeMsat} msat`);
    return;
  }
  world.count('paid');
  const [result] = sale.results;
  const isGone = buyers.some((buyer) => buyer.isGone && buyer.link.peer === sale.peer);
  const isTold = result !== undefined || (sale.hasCancelled && sale.errors > 0);
  if (!isTold && !isGone) violate('who paid hears how it ended', `${job.funding} ${job.run} ${job.delivery}`);
  if (result?.status === 'ok') {
    judgeAnswer(sale, violate);
    world.count('served');
  }
  const run = sale.runs.at(-1);
  const isCutShort = /without the last event/.test(job.failure ?? '');
  if (job.run === 'failed' && sale.plan.isStream && run !== undefined) {
    const dueMsat = minMsat(producedMsat(run, job, isCutShort), coverMsat);
    if (chargeMsat > dueMsat) violate('no charge above what was produced', `${chargeMsat} of ${dueMsat} msat`);
    if (isCutShort && chargeMsat < dueMsat)
      violate('what was produced of a stream cut short is charged', `${chargeMsat} of ${dueMsat} msat`);
  }
  if (chargeMsat === 0n) {
    world.count('credited');
    if (result?.status === 'ok' && (sale.runs.at(-1)?.usage?.output ?? 0) > 0)
      violate('an answer is charged', 'nothing');
    return;
  }
  // What a buyer can bring about: both manifests had told how much may be carried, and an answer that comes has its time.
  const isTooLarge = sale.isLimited || /larger than/.test(job.failure ?? '');
  const isTooLong = job.beganAtMs !== undefined && /longer than/.test(job.failure ?? '');
  const isOurFault =
    !sale.hasCancelled &&
    !isTooLarge &&
    !isTooLong &&
    !isCutShort &&
    result?.status !== 'ok' &&
    !(isGone && job.run === 'ended');
  if (isOurFault) violate('no charge for a failure of ours', `${chargeMsat} msat, ${job.run}, ${result?.status}`);
  if (run?.produced === 0 && !sale.hasCancelled) violate('no charge for an empty answer', `${chargeMsat} msat`);
  if (run?.usage === undefined || job.run !== 'ended' || job.cancelled) return;
  const dueMsat = minMsat(priceMsat(run.usage), coverMsat);
  if (chargeMsat !== dueMsat) violate('the charge follows the usage', `${chargeMsat} instead of ${dueMsat} msat`);
}

const minMsat = (a: bigint, b: bigint): bigint => (a < b ? a : b);

const priceMsat = ({ input, output }: NonNullable<BackendRun['usage']>): bigint =>
  BigInt(input) * PRICES.inputMsat + BigInt(output) * PRICES.outputMsat;

/** For all that a backend meant to say in a stream that broke, by its figures or by the text, whichever is more. `isHeard`: its figures had come. */
function producedMsat({ usage, produced, textBytes }: BackendRun, { breakdown }: Job, isHeard: boolean): bigint {
  if (produced === 0) return 0n;
  const output = Math.max(usage?.output ?? 0, produced, Math.ceil(textBytes / BYTES_PER_TOKEN));
  const told = usage?.input ?? breakdown.inputTokens;
  const input = isHeard ? told : Math.max(told, breakdown.inputTokens);
  return priceMsat({ input, output: Math.min(output, breakdown.maxOutputTokens) });
}

/** The buyer was told that all is well: then it has all of it, and it is what the backend said. */
function judgeAnswer(sale: Sale, violate: (law: string, text: string) => void): void {
  const stream = sale.results.at(-1)?.stream;
  const text = sale.answer ?? sale.received();
  const run = sale.runs.at(-1);
  if (stream === undefined || sha256(text) !== stream.sha256 || BigInt(text.length) !== stream.totalBytes)
    return violate('who is served has every byte', `${text.length} of ${stream?.totalBytes} bytes`);
  if (run === undefined || !run.isWhole) return violate('only a whole answer is called ok', 'a broken one was');
  if (text !== run.text)
    violate('the answer is the backend’s, byte for byte', `${text.length} and ${run.text.length} bytes`);
}
