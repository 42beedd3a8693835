import type { RunOptions } from './simulate.ts';

/** A bug as somebody could write it: texts of one file, each there once, and what would stand there instead. */
export interface Bug {
  readonly name: string;
  readonly file: string;
  readonly changes: readonly (readonly [from: string, to: string])[];
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
    changes: [['entries: creditToReserved(job),', 'entries: [],']],
  },
  {
    name: 'effects are performed before the decision is saved',
    file: 'src/engine/engine.ts',
    changes: [
      [
        'const pending = await this.#commit({',
        'for (const effect of next.effects) void this.#perform(next.job, effect).catch(() => {});\n      const pending = await this.#commit({',
      ],
    ],
  },
  {
    name: 'the settlement cursor is not saved',
    file: 'src/engine/engine.ts',
    changes: [['...(cursor === undefined ? {} : { cursor }),', '']],
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
    changes: [['return minMsat(amountMsat(used, price, rules), coverMsat);', 'return amountMsat(used, price, rules);']],
  },
  {
    name: 'an answer that was cut off is called whole',
    file: 'src/engine/runner.ts',
    changes: [['if (!end.complete || !attempt.hasOutput)', 'if (!attempt.hasOutput)']],
  },
  {
    name: 'the usage chunk that only we asked for reaches the buyer',
    file: 'src/openai/answer.ts',
    changes: [["usageWanted || taskKind !== 'openai.chat_completions.v1'", 'usageWanted || taskKind.length > 0']],
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
];
