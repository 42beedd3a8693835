import { firstOf } from './marks.ts';
import type { Mark } from './marks.ts';

export interface SaleMarks {
  readonly begunMs: number;
  /** When the backend gave its first byte. */
  readonly answeredMs: number;
  readonly atBuyer: readonly Mark[];
  readonly atProvider: readonly Mark[];
  readonly atBackend: readonly Mark[];
}

/** How long each stretch of one sale took, in milliseconds. */
export type Spans = Readonly<Record<SpanName, number>>;
type SpanName =
  | 'total'
  | 'handOver'
  | 'quoteAtBuyer'
  | 'quote'
  | 'quoteLessInvoice'
  | 'accept'
  | 'saveAccepted'
  | 'invoice'
  | 'offer'
  | 'saveOpen'
  | 'check'
  | 'pay'
  | 'settle'
  | 'run'
  | 'ask'
  | 'saveFunded'
  | 'saveRunning'
  | 'deliver'
  | 'receive'
  | 'saveProducing'
  | 'streamBegin'
  | 'wire';

export function spansOf({ begunMs, answeredMs, atBuyer, atProvider, atBackend }: SaleMarks): Spans {
  const buyer = (what: string) => firstOf(atBuyer, what, begunMs);
  const provider = (what: string) => firstOf(atProvider, what, begunMs);
  const saved = (states: string) => provider(`save ${states} ✓`) - provider(`save ${states} …`);
  const invoice = provider('invoice ✓') - provider('invoice …');
  const quote = provider('send quote …') - provider('got stream-end');
  const firstByteMs = provider('send stream-chunk …');
  return {
    total: buyer('got stream-chunk') - begunMs,
    handOver: buyer('send stream-end ✓') - begunMs,
    quoteAtBuyer: buyer('got quote') - buyer('send stream-chunk …'),
    quote,
    quoteLessInvoice: quote - invoice,
    accept: provider('invoice …') - provider('got stream-end'),
    saveAccepted: saved('invoicing/none/none'),
    invoice,
    offer: provider('send quote …') - provider('invoice ✓'),
    saveOpen: saved('open/none/none'),
    check: buyer('pay …') - buyer('got quote'),
    pay: buyer('pay ✓') - buyer('pay …'),
    settle: provider('settled') - buyer('pay …'),
    run: answeredMs - provider('settled'),
    ask: firstOf(atBackend, 'asked') - provider('settled'),
    saveFunded: saved('funded/queued/none'),
    saveRunning: saved('funded/running/none'),
    deliver: firstByteMs - answeredMs,
    receive: provider('save funded/producing/sending …') - answeredMs,
    saveProducing: saved('funded/producing/sending'),
    streamBegin: provider('send stream-begin ✓') - provider('send stream-begin …'),
    wire: buyer('got stream-chunk') - firstByteMs,
  };
}
