import type { Logger } from 'pino';
import type { Life } from './life.ts';
import type { Witness } from './witness.ts';

/** Fields of a line that are told; the others are what is random, or nothing to this story. */
const SHOWN = ['reason', 'error', 'effect', 'backend', 'jobs', 'effects'];
const NONE: Readonly<Record<string, string>> = {};
const RANDOM_HEX = /\b[0-9a-f]{16,}\b/g;

/** The seller's log as part of the story; what is random by itself is left out. */
export function simLog(life: Life, witness: Witness): Logger {
  const say =
    (level: string) =>
    (fields: Readonly<Record<string, string | number>> | string, message = ''): void => {
      if (life.isOver) return;
      if (message.includes('not in these books')) life.world.violate('every invoice is in the books', 'some are not');
      const { job, event, funding, run, delivery, ...rest } = typeof fields === 'string' ? NONE : fields;
      const about = job === undefined ? '' : `${witness.labelOf(String(job))} `;
      const states = event === undefined ? '' : `${event} → ${funding} ${run} ${delivery}`;
      const more = SHOWN.flatMap((key) => (rest[key] === undefined ? [] : [`${key} ${rest[key]}`])).join(', ');
      const text = states === '' ? `${typeof fields === 'string' ? fields : message} ${more}` : states;
      life.world.say(level === 'debug' ? 'seller' : `seller ${level[0]}`, `${about}${text}`.replace(RANDOM_HEX, '…'));
    };
  const log = { trace: say('trace'), debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  return { ...log, fatal: log.error, child: () => log, level: 'debug' } as unknown as Logger;
}
