import { describe, expect, test } from 'vitest';
import { storyLines } from '../../src/cli/job-page.ts';
import { chargeMsat, quotePrice } from '../../src/pricing/price.ts';
import { decodeJob, encodeJob } from '../../src/ledger/job-record.ts';
import { nano } from '../../src/money/decimal.ts';
import { msat } from '../../src/money/msat.ts';
import { jobStory } from '../../src/operator/job-story.ts';
import { sampleJob } from '../job/sample-job.ts';

/** A breakdown as it was saved before prices had a rate, images and a minimum. */
const OLD_BREAKDOWN = `{"estimator":"bytes","inputTokens":12,"maxOutputTokens":100,"price":{"inputMsatPerMtok":{"$msat":"1000000"},"cachedInputMsatPerMtok":{"$msat":"250000"},"outputMsatPerMtok":{"$msat":"10000000"},"requestMsat":{"$msat":"7"}},"rules":[{"name":"in_flight_surge","multiplierBps":10500}],"listMsat":{"$msat":"1071"},"minPriceMsat":{"$msat":"1000"},"priceMsat":{"$msat":"1071"}}`;

function oldJob() {
  const { breakdown: _new, ...rest } = sampleJob();
  const text = encodeJob(rest as ReturnType<typeof sampleJob>);
  return decodeJob(text.replace('"work":', `"breakdown":${OLD_BREAKDOWN},"work":`));
}

const lineOf = (lines: readonly string[], name: string): string | undefined =>
  lines.find((line) => line.startsWith(`  ${name} `));

describe('the price of a job', () => {
  test('that was sold long ago is still shown and charged as it was', () => {
    const job = oldJob();
    const lines = storyLines(jobStory(job, []));
    expect(lineOf(lines, 'input')).toMatch(/12 tokens × 1,000,000 msat per Mtok, counted by bytes +12$/);
    expect(lineOf(lines, 'list price')).toMatch(/ 1,071$/);
    expect(chargeMsat(job.breakdown, { inputTokens: 12, outputTokens: 10, cachedInputTokens: 4 }, msat(5_000))).toBe(
      122n, // (8 × 1 + 4 × 0.25 + 10 × 10 + 7) × 1.05 = 121.8
    );
  });

  test('holds tokens, rate, rules, images, minimum and rounding, after it was saved and read too', () => {
    const breakdown = quotePrice({
      estimator: 'openai',
      inputTokens: 1_000,
      maxOutputTokens: 50,
      images: 2,
      price: {
        currency: 'USD',
        inputNanoPerMtok: nano(1_750_000_000n),
        outputNanoPerMtok: nano(14_000_000_000n),
        requestNano: nano(0n),
        imageNano: nano(2_000_000n),
        minimumNano: nano(10_000_000n),
      },
      rate: { currency: 'USD', nanoPerBitcoin: nano(97_123_450_000_000n), source: 'fixed', atMs: 0 },
      rules: [{ name: 'hours', multiplierBps: 8_000 }],
      minPriceMsat: msat(1_000),
    });
    const lines = storyLines(jobStory(decodeJob(encodeJob(sampleJob({ breakdown }))), []));
    expect(lineOf(lines, 'input')).toMatch(/1,000 tokens × 1\.75 USD per Mtok, counted by openai +1801\.830$/);
    expect(lineOf(lines, 'images')).toMatch(/2 × 0\.002 USD +4118\.469$/);
    expect(lineOf(lines, 'rate')).toMatch(/97123\.45 USD for a bitcoin: fixed, /);
    expect(lineOf(lines, 'rule')).toMatch(/hours +× 0\.8$/);
    expect(lineOf(lines, 'at least')).toMatch(/0\.01 USD +10,297$/);
    expect(lineOf(lines, 'list price')).toMatch(/its least, above the 5312\.826099155 reckoned +10,297$/);
  });
});
