import type { Clock } from '../clock/clock.ts';
import type { Usage } from '../job/job.ts';
import type { Attempt } from './attempt.ts';
import { WorkRates } from './work-rates.ts';

/** What an attempt is charged for when the backend had not its last word. */
export class WorkDone {
  readonly #clock: Clock;
  readonly #rates = new WorkRates();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The backend told what it did: its pace counts for those that it will not tell of. */
  told(attempt: Attempt, usage: Usage): void {
    this.#rates.ended(attempt.job, usage, this.ranMs(attempt));
  }

  /**
   * Without the backend's last word: what it told on the way, else what was quoted as input; as output what we saw pass, if that is more, and never
   * more than was quoted.
   */
  counted({ job, filter }: Attempt): Usage {
    const { inputTokens, maxOutputTokens } = job.breakdown;
    const told: Usage = filter.usage() ?? { inputTokens, outputTokens: 0, isOwnCount: true };
    const outputTokens = Math.max(told.outputTokens, filter.producedTokens());
    return { ...told, outputTokens: Math.min(outputTokens, maxOutputTokens) };
  }

  /** Nothing is seen of a JSON answer before its end: so the time that it ran counts too, by the pace of the model. */
  whenCancelled(attempt: Attempt): Usage {
    if (!attempt.isAsked) return { inputTokens: 0, outputTokens: 0, isOwnCount: true };
    const usage = this.counted(attempt);
    if (attempt.job.work.stream) return usage;
    const likely = this.#rates.outputTokens(attempt.job, this.ranMs(attempt));
    return { ...usage, outputTokens: Math.max(usage.outputTokens, likely) };
  }

  /** Since it has its slot. */
  ranMs({ startedAtMs }: Attempt): number {
    const nowMs = this.#clock.nowMs();
    return Math.max(0, nowMs - (startedAtMs ?? nowMs));
  }
}
