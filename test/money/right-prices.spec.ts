import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** One answer and what it costs. `test/prices/README.md` says where the costs are from. */
interface PriceRow {
  readonly door: 'chat' | 'messages' | 'responses' | 'embeddings';
  readonly model: string;
  readonly params?: object;
  readonly info?: object;
  readonly request?: object;
  readonly answer: object;
  readonly nanoUsd: number;
  /** The original that computed the cost, or the provider's rule. */
  readonly by: string;
}

const rows = JSON.parse(
  readFileSync(new URL('../prices/rows.json', import.meta.url), 'utf8'),
) as readonly PriceRow[];

const PATHS = {
  chat: '/v1/chat/completions',
  messages: '/v1/messages',
  responses: '/v1/responses',
  embeddings: '/v1/embeddings',
};
const messages = [{ role: 'user', content: 'hi' }];
const BODIES = {
  chat: { messages },
  messages: { messages, max_tokens: 100 },
  responses: { input: 'hi' },
  embeddings: { input: 'hi' },
};
const NANO = 1e9;

let upstream: Upstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await Upstream.start();
  const models = new Map(rows.map((row) => [nameOf(row), row]));
  gateway = await Gateway.start({ upstream, config: { model_list: [...models.values()].map(deploymentOf) } });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const nameOf = ({ model, params, info }: PriceRow) =>
  model + (params || info ? JSON.stringify([params, info]) : '');

function deploymentOf(row: PriceRow) {
  const base = upstream.url.replace(/\/v1$/, '');
  return {
    model_name: nameOf(row),
    litellm_params: {
      model: row.model,
      api_base: row.model.startsWith('azure/') ? base : upstream.url,
      api_key: 'sk-provider-key-of-the-tests',
      ...row.params,
    },
    model_info: row.info ?? {},
  };
}

it('bills every answer at its right price, from the header to the ledger and the spend of the key', async () => {
  const key = await gateway.createKey();
  const wrong: object[] = [];
  const billed: number[] = [];
  for (const row of rows) {
    upstream.behave = () => ({ rawBody: JSON.stringify(row.answer) });
    const answer = await gateway.as(key, 'POST', PATHS[row.door], {
      model: nameOf(row),
      ...BODIES[row.door],
      ...row.request,
    });
    const header = Math.round(Number(answer.headers['x-litellm-response-cost']) * NANO);
    billed.push(header);
    if (answer.status !== 200 || header !== row.nanoUsd)
      wrong.push({
        model: row.model,
        door: row.door,
        usage: JSON.stringify((row.answer as { usage: unknown }).usage),
        request: row.request,
        status: answer.status,
        ...(answer.status !== 200 && { text: answer.text.slice(0, 200) }),
        header,
        right: row.nanoUsd,
        by: row.by,
      });
  }
  expect(wrong).toEqual([]);
  const { entries } = await gateway.books();
  expect(entries.map(({ cost }) => Number(cost)).toSorted((a, b) => a - b)).toEqual(
    billed.toSorted((a, b) => a - b),
  );
  const sum = billed.reduce((total, one) => total + one, 0);
  expect(Math.round((await gateway.spendOf(key)) * NANO)).toBe(sum);
});
