import type { RunOptions } from './simulate.ts';

/** Texts of one file, each there once, and what would stand there instead. */
export interface Patch {
  readonly file: string;
  readonly changes: readonly (readonly [from: string, to: string])[];
}

/** A bug as somebody could write it. */
export interface Bug extends Patch {
  readonly name: string;
  /** What would keep the bug from doing harm, were it not broken as well. */
  readonly also?: readonly Patch[];
  readonly mode?: RunOptions['mode'];
}

export const BUGS: readonly Bug[] = [
  {
    name: 'a settlement that is told twice is booked twice',
    file: 'src/job/rules.ts',
    changes: [
      [
        "notYetReceived: Condition = { name: 'first news of it', apply: (job) => job.receivedMsat === undefined }",
        "notYetReceived: Condition = { name: 'first news of it', apply: () => true }",
      ],
    ],
  },
  {
    name: 'a payment while the invoice is being cancelled is ignored',
    file: 'src/job/rules.ts',
    changes: [
      [
        "notYetReceived: Condition = { name: 'first news of it', apply: (job) => job.receivedMsat === undefined }",
        "notYetReceived: Condition = { name: 'first news of it', apply: (job) => job.receivedMsat === undefined && job.funding !== 'closing' }",
      ],
    ],
  },
  {
    name: 'a run starts again after its output began',
    file: 'src/job/run.ts',
    changes: [
      [
        "from: ['producing'],\n    on: 'restarted',\n    to: 'failed',\n    patch: failedBecause(RESTART_FAILURE),\n    raises: 'run-failed',",
        "from: ['producing'],\n    on: 'restarted',\n    to: 'queued',\n    patch: queued,\n    effects: [{ kind: 'start-run' }],",
      ],
    ],
  },
  {
    name: 'an attempt that broke off in its answer is tried again',
    file: 'src/job/run.ts',
    changes: [
      [
        "from: ['queued', 'running'],\n    on: 'attempt-failed',\n    when: mayTryAgain,",
        "from: ['queued', 'running', 'producing'],\n    on: 'attempt-failed',",
      ],
    ],
  },
  {
    name: 'the refund of a failed job is forgotten',
    file: 'src/job/funding.ts',
    changes: [
      [
        "on: 'run-failed',\n    to: 'refunded',\n    entries: [coverToCredit],",
        "on: 'run-failed',\n    to: 'refunded',",
      ],
    ],
  },
  {
    name: 'a failure of ours is charged',
    file: 'src/job/funding.ts',
    changes: [
      [
        "on: 'run-failed',\n    to: 'refunded',\n    entries: [coverToCredit],",
        "on: 'run-failed',\n    to: 'refunded',\n    entries: [{ ...chargeToRevenue, apply: (job, event) => chargeToRevenue.apply({ ...job, chargeMsat: job.terms.priceMsat }, event) }],",
      ],
    ],
  },
  {
    name: 'a stream that was cut short is refunded whole',
    file: 'src/job/run.ts',
    changes: [["patch: cutShort,\n    raises: 'run-ended',", "patch: cutShort,\n    raises: 'run-failed',"]],
  },
  {
    name: 'a stream that was cut short is charged as a whole one',
    file: 'src/job/run.ts',
    changes: [
      [
        "const cutShort = patchFrom('cut-short', ({ reason, usage, output }, job, nowMs) => ({\n  failure: reason,\n  usage,\n  chargeMsat: chargeFor(job, usage),",
        "const cutShort = patchFrom('cut-short', ({ reason, usage, output }, job, nowMs) => ({\n  failure: reason,\n  usage,\n  chargeMsat: chargeFor(job, { ...usage, outputTokens: job.breakdown.maxOutputTokens }),",
      ],
    ],
  },
  {
    name: 'credit is released before the cancellation is confirmed',
    file: 'src/job/funding.ts',
    changes: [
      [
        "on: 'quote-expired', to: 'closing', effects",
        "on: 'quote-expired', to: 'closing', entries: [reservedToCredit], patch: () => ({ reservedMsat: undefined as never }), effects",
      ],
    ],
  },
  {
    name: 'credit lowers the price and is not reserved',
    file: 'src/engine/engine.ts',
    changes: [['entries: creditToReserved(job), effects', 'entries: [], effects']],
  },
  {
    name: 'effects are performed before the decision is saved',
    file: 'src/engine/engine.ts',
    changes: [
      [
        'const pending = isToBeSaved',
        'for (const effect of effects) void this.#perform(job, effect).catch(() => {});\n    const pending = isToBeSaved',
      ],
    ],
  },
  {
    name: 'the settlement cursor is not saved',
    file: 'src/engine/engine.ts',
    changes: [['const heard = cursor === undefined ? {} : { cursor };', 'const heard = {};']],
  },
  {
    name: 'the outbox is not performed at the start',
    file: 'src/engine/recovery.ts',
    changes: [['await engine.resume(outbox);', '']],
  },
  {
    name: 'a cancellation is believed without asking the node',
    file: 'src/engine/invoicing.ts',
    changes: [
      [
        'async cancel(job: Job): Promise<void> {',
        "async cancel(job: Job): Promise<void> {\n    if (Date.now() > 0) return void (await this.#engine.dispatch(job.key, { kind: 'invoice-cancelled' }));",
      ],
    ],
  },
  {
    name: 'the charge may exceed the cover',
    file: 'src/pricing/price.ts',
    changes: [
      [
        'return minMsat(maxMsat(roundedUp(exactAmount({ ...used, inputTokens }, terms)), minimumOf(terms)), coverMsat);',
        'return maxMsat(roundedUp(exactAmount({ ...used, inputTokens }, terms)), minimumOf(terms));',
      ],
    ],
  },
  {
    name: 'an answer that was cut off is called whole',
    file: 'src/engine/runner.ts',
    changes: [['if (!end.complete || !attempt.hasOutput)', 'if (!attempt.hasOutput)']],
  },
  {
    name: 'the usage chunk that only we asked for reaches the buyer',
    file: 'src/openai/answer.ts',
    changes: [["usageWanted || kind.stream !== 'chat-chunks'", 'usageWanted || kind.stream !== undefined']],
  },
  {
    name: 'a restart forgets where chunks were cut',
    file: 'src/spool/boundaries.ts',
    changes: [
      [
        'boundaries: new Boundaries(disk, path, lengths), intact: lengths.length === count',
        'boundaries: new Boundaries(disk, path, []), intact: true',
      ],
    ],
  },
  {
    name: 'bytes leave while the payment is only held',
    file: 'src/job/delivery.ts',
    mode: 'hold',
    changes: [
      [
        "when: paymentBeingTaken,\n    to: 'withheld',",
        "when: paymentBeingTaken,\n    to: 'sending',\n    effects: [{ kind: 'deliver' }],",
      ],
    ],
  },
  {
    name: 'a held payment is given back and the work goes on',
    file: 'src/job/funding.ts',
    mode: 'hold',
    changes: [["effects: [NOT_PAID],\n    raises: 'payment-lost',", 'effects: [NOT_PAID],']],
  },
  {
    name: 'an attempt whose answer nobody reads keeps its slot',
    file: 'src/engine/runner.ts',
    changes: [
      [
        'attempt.isWithheld) return writer.append(bytes, attempt.abort.signal);',
        'attempt.isWithheld) return writer.append(bytes);',
      ],
    ],
  },
  {
    name: 'a request that was given up while its credit was looked up becomes a job',
    file: 'src/storefront/lcp/acceptance.ts',
    changes: [['if (draft.abort.signal.aborted) return undefined; // while', '// while']],
  },
  {
    name: 'a job that was paid is forgotten with its entries',
    file: 'src/ledger/sqlite-ledger.ts',
    changes: [['isAtRest(job) && job.receivedMsat === undefined', 'isAtRest(job)']],
    also: [
      {
        file: 'src/ledger/ledger-writes.ts',
        changes: [
          [
            "AND ('reserved:' || key NOT IN (from_account, to_account) OR 'buyer:' || peer NOT IN (from_account, to_account)))",
            "AND 'reserved:' || key NOT IN (from_account, to_account) AND 'buyer:' || peer NOT IN (from_account, to_account))",
          ],
        ],
      },
      {
        file: 'src/ledger/migrations/0003-forgetting.ts',
        changes: [
          ["    OR json_extract(OLD.record, '$.job.receivedMsat') IS NOT NULL\n", ''],
          ['UNIQUE REFERENCES entry (id)', 'UNIQUE'],
        ],
      },
      {
        file: 'src/ledger/migrations/0004-cancelled-out.ts',
        changes: [
          ['WHEN OLD.job_key IS NULL\n    OR', 'WHEN OLD.job_key IS NULL\n    OR 0 AND'],
          ["OR 'reserved:' || OLD.job_key NOT IN", "OR 0 AND 'reserved:' || OLD.job_key NOT IN"],
          [
            "AND finished = 1\n      AND json_extract(record, '$.job.receivedMsat') IS NULL)\n    OR EXISTS (SELECT 1 FROM outbox",
            'AND finished = 1)\n    OR EXISTS (SELECT 1 FROM outbox',
          ],
        ],
      },
    ],
  },
];
