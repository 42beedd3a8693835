// Loaded into a provider before its program (`node --import`), with an IPC channel to the test: sets its clock, and tells what memory it uses.

export type ProbeQuestion = { kind: 'clock'; aheadMs: number } | { kind: 'memory' };
export type ProbeAnswer = { usedBytes: number };

const trueNow = Date.now;
let aheadMs = 0;
Date.now = () => trueNow() + aheadMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args: unknown[]) => Reflect.construct(target, args.length === 0 ? [Date.now()] : args) as object,
});

function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

process.on('message', (question: ProbeQuestion) => {
  if (question.kind === 'clock') ({ aheadMs } = question);
  process.send?.({ usedBytes: question.kind === 'memory' ? usedBytes() : 0 } satisfies ProbeAnswer);
});
process.channel?.unref();
