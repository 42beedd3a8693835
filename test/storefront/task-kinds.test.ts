import { describe, expect, test } from 'vitest';
import { errorCode } from '../../src/protocol/error-code.ts';
import { encodeModelParams } from '../../src/protocol/params.ts';
import { Market, bothVersions } from '../harness/market.ts';
import { MODEL, ScriptedBackend } from '../harness/scripted-backend.ts';
import { CHAT, chat, hex32 } from '../harness/wire-buyer.ts';

const RESPONSES = 'openai.responses.v1';

describe.each(bothVersions)('work that no server takes, by LCP v0.%i', (version) => {
  test('is neither advertised nor quoted; the rest is', async () => {
    const backend = new ScriptedBackend();
    backend.stock = [{ id: MODEL, taskKinds: [CHAT] }];
    const { buyer } = await Market.open(version, { backend });
    const manifest = buyer.heard.find((message) => message.kind === 'manifest');
    expect(manifest?.tasks.map(({ taskKind }) => taskKind)).toEqual([CHAT]);

    const jobId = hex32();
    await buyer.request(jobId, { taskKind: RESPONSES, params: encodeModelParams(MODEL) });
    await buyer.input(jobId, Buffer.from(JSON.stringify({ model: MODEL, input: 'a secret' })));
    const error = await buyer.hear('error', jobId);
    expect(error.code).toBe(errorCode(version, 'unsupported-task'));
    expect(error.message).toBe(`this model is not for sale for ${RESPONSES} here`);
    expect((await buyer.order(chat())).priceMsat).toBeGreaterThan(0n);
    expect(backend.requests).toEqual([]);
  });
});
