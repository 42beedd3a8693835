import { first } from './0001-first.ts';
import { operator } from './0002-operator.ts';
import { forgetting } from './0003-forgetting.ts';
import { cancelledOut } from './0004-cancelled-out.ts';

/** The SQL that leads from version n to n + 1, at index n. A migration that was ever released is never edited: add the next one. */
export const MIGRATIONS: readonly string[] = [first, operator, forgetting, cancelledOut];
