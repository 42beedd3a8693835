import { expect, test } from 'vitest';
import { nano } from '../../src/money/decimal.ts';
import { msat } from '../../src/money/msat.ts';
import { catalogue } from '../../src/operator/catalogue.ts';
import { modelSpeeds } from '../../src/operator/model-speed.ts';
import { sampleJob } from '../job/sample-job.ts';

const price = { inputMsatPerMtok: msat(1), outputMsatPerMtok: msat(2), requestMsat: msat(0) };
const inDollars = { currency: 'USD', inputNanoPerMtok: nano(1n), outputNanoPerMtok: nano(1n), requestNano: nano(0n) };
const lists = [
  {
    file: 'mine.yaml',
    entries: [
      { pattern: 'big', price, aliases: ['large'] },
      { pattern: 'dear', price: inDollars },
    ],
  },
  {
    file: 'all.yaml',
    entries: [
      { pattern: 'blind', price },
      { pattern: 'gone', price, aliases: ['lost'] },
      { pattern: 'sm*', price },
    ],
  },
];
const told = [
  {
    backend: 'a',
    models: [{ id: 'big', contextTokens: 8_192, warm: true }, { id: 'dear' }, { id: 'unknown' }, { id: 'blind' }],
  },
  { backend: 'b', models: [{ id: 'big', contextTokens: 4_096, warm: false }, { id: 'small' }] },
];

test('the catalogue tells what is for sale first, then all else and why it is not', () => {
  const chat = ['openai.chat_completions.v1'] as const;
  const onSale = new Map([
    ['big', chat],
    ['large', chat],
  ]);
  const pooled = ['big', 'dear', 'unknown', 'blind'];
  const listings = catalogue({ lists, told, pooled, onSale, speeds: new Map([['big', 12.5]]) });
  expect(listings.slice(0, 2)).toMatchObject([
    {
      model: 'big',
      isOnSale: true,
      taskKinds: chat,
      backends: ['a', 'b'],
      contextTokens: 4_096,
      warm: true,
      tokensPerSecond: 12.5,
      priceList: { file: 'mine.yaml', pattern: 'big' },
    },
    { model: 'large', backendModel: 'big', isOnSale: true, tokensPerSecond: 12.5 },
  ]);
  expect(listings.slice(2).map(({ model, whyNot }) => [model, whyNot])).toEqual([
    ['blind', 'its price or its estimators are for no work that it can do at its backends'],
    ['dear', 'no exchange rate of USD'],
    ['lost', 'no backend has gone'],
    ['small', 'left out by the models of its backend in the configuration'],
    ['unknown', 'no price: neither llm.models nor a price list knows it'],
  ]);
});

test('the speed of a model is that of its finished jobs: streams from the first byte, others from the start', () => {
  const done = (fields: object) => ({ ...sampleJob(), startedAtMs: 0, beganAtMs: 1_000, endedAtMs: 3_000, ...fields });
  const usage = { inputTokens: 1_000, outputTokens: 40 };
  const whole = { ...sampleJob().work, stream: false };
  const speeds = modelSpeeds([
    done({ usage }),
    done({ usage: { ...usage, outputTokens: 0 } }),
    done({ usage, work: { ...whole, model: 'alias', backendModel: 'x' } }),
    done({ usage, work: { ...whole, model: 'x' }, endedAtMs: 1_000 }),
    done({ usage, endedAtMs: undefined }),
    done({}),
  ]);
  expect([...speeds]).toEqual([
    ['m', 10],
    ['x', 20],
  ]);
});
