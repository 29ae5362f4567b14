import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitForUpdate } from '@pydantic/genai-prices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

let upstream: Upstream;
let gateway: Gateway;
let prices: Server;
let answer: RequestListener = () => {};
let fetches = 0;

beforeAll(async () => {
  upstream = await Upstream.start();
  prices = createServer((request, response) => {
    fetches++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => prices.listen(0, '127.0.0.1', resolve));
  const { port } = prices.address() as AddressInfo;
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        {
          model_name: 'm-known',
          litellm_params: { model: 'openrouter/openai/gpt-4o-mini', api_base: upstream.url },
        },
        { model_name: 'any/*', litellm_params: { model: 'openrouter/openai/*', api_base: upstream.url } },
      ],
      general_settings: {
        price_refresh_hours: 200 / 3_600_000,
        price_refresh_url: `http://127.0.0.1:${port}/`,
      },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
  prices.closeAllConnections();
  prices.close();
});

/** Returns the library's own table, with another output price of OpenRouter's gpt-4o-mini, in USD a token. */
const tableWith = async (usdPerToken: number) => {
  const table = structuredClone((await waitForUpdate())!);
  const models = table.find(({ id }) => id === 'openrouter')!.models;
  models.find(({ id }) => id === 'openai/gpt-4o-mini')!.prices = {
    input_mtok: 0,
    output_mtok: usdPerToken * 1_000_000,
  };
  return JSON.stringify(table);
};
const serve = (text: string) => (answer = (_, response) => void response.end(text));
const chat = async (key: string, model = 'm-known') =>
  (await gateway.chat(key, { model, max_tokens: 10 })).status;
const costs = async (model?: string) => {
  const key = await gateway.createKey({ max_budget: 1_000 });
  expect(await chat(key, model)).toBe(200);
  await gateway.books();
  return gateway.spendOf(key);
};
const soon = (check: () => Promise<void>) => eventually(check);
/** Waits until a fetch that began after now was processed. The fetch after it proves that. */
const fetchedAnew = () => {
  const before = fetches;
  return soon(async () => expect(fetches).toBeGreaterThan(before + 2));
};

it('prices follow the table; what is under way is billed as it was held; bad tables change nothing', async () => {
  // The price server does not respond: calls use the installed price.
  const installed = await costs();
  expect(installed).toBeGreaterThan(0);
  expect(installed).toBeLessThan(0.001);
  expect(fetches).toBe(1);

  prices.closeAllConnections();
  serve(await tableWith(0.001));
  await soon(async () => expect(await costs()).toBe(0.01));
  expect(await costs('any/gpt-4o-mini')).toBe(0.01);

  const key = await gateway.createKey({ max_budget: 0.01 });
  const before = upstream.calls.length;
  upstream.hold();
  const underWay = chat(key);
  await upstream.arrived(before + 1);
  serve(await tableWith(0.002));
  await fetchedAnew();
  expect(await chat(await gateway.createKey({ max_budget: 0.015 }))).toBe(429);
  upstream.release();
  expect(await underWay).toBe(200);
  await gateway.books();
  expect(await gateway.spendOf(key)).toBe(0.01);
  expect(await costs()).toBe(0.02);

  for (const bad of ['', '<html>', '[]', '{"error": 1}', (await tableWith(0.003)).slice(0, -1)]) {
    serve(bad);
    await fetchedAnew();
    expect(await costs()).toBe(0.02);
  }
  expect(gateway.logs).toMatch(/WARN.*The prices stay as they are/);
  serve(await tableWith(0.004));
  await soon(async () => expect(await costs()).toBe(0.04));
});
