import type { Kind, Version } from './messages.ts';

/** LCP v0.2 §3.2, v0.3 §2.2. */
const messageTypes = {
  2: {
    manifest: 42081,
    'quote-request': 42083,
    quote: 42085,
    result: 42087,
    'stream-begin': 42089,
    'stream-chunk': 42091,
    'stream-end': 42093,
    cancel: 42095,
    error: 42097,
  },
  3: {
    manifest: 42101,
    'quote-request': 42103,
    quote: 42105,
    result: 42107,
    'stream-begin': 42109,
    'stream-chunk': 42111,
    'stream-end': 42113,
    cancel: 42115,
    error: 42117,
  },
} as const satisfies Record<Version, Record<Kind, number>>;

const known = new Map<number, { readonly version: Version; readonly kind: Kind }>();
for (const version of [2, 3] as const) {
  for (const [kind, type] of Object.entries(messageTypes[version])) known.set(type, { version, kind: kind as Kind });
}

/** The BOLT 1 message type of a kind of message. */
export function messageType(version: Version, kind: Kind): number {
  return messageTypes[version][kind];
}

/** Version and kind of a BOLT 1 message type; undefined when LCP does not use it. */
export function kindOf(type: number): { readonly version: Version; readonly kind: Kind } | undefined {
  return known.get(type);
}

/** Whether LCP uses this BOLT 1 message type, in either version. */
export function isOurs(type: number): boolean {
  return known.has(type);
}
