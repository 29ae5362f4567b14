import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { Gateway } from '../harness/gateway.js';
import { scopes, type ScopedCaller } from '../harness/scopes.js';
import { Upstream } from '../harness/upstream.js';

const CALLS = 200;
/** A call that holds and costs 100 tokens at $0.001. */
const CALL = { model: 'm-out', max_tokens: 100 };
const FIT = 10;

let upstream: Upstream;
beforeAll(async () => void (upstream = await Upstream.start()));
afterAll(() => upstream.close());

/** Makes 200 calls at once. The upstream responds once ten have arrived and all others are refused. */
async function burst(gateway: Gateway, { key, body }: ScopedCaller, stream: boolean) {
  const before = upstream.calls.length;
  upstream.hold();
  let refused = 0;
  let everyRefusal: () => void;
  const allRefused = new Promise<void>((resolve) => (everyRefusal = resolve));
  const answers = Array.from({ length: CALLS }, async () => {
    const answer = await gateway.chat(key, { ...CALL, ...body, stream });
    if (answer.status !== 200 && ++refused === CALLS - FIT) everyRefusal();
    return answer;
  });
  await Promise.race([Promise.all([upstream.arrived(before + FIT), allRefused]), Promise.all(answers)]);
  upstream.release();
  return { answers: await Promise.all(answers), seen: upstream.calls.length - before };
}

function expectExactCap({ answers, seen }: Awaited<ReturnType<typeof burst>>) {
  const ok = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 429);
  expect([ok.length, refused.length, seen]).toEqual([FIT, CALLS - FIT, FIT]);
  for (const { body } of refused) {
    expect(body.error).toMatchObject({
      type: 'budget_exceeded',
      code: '429',
      details: { check: 'budgetsHaveRoom', limit: 1, retryable: true },
    });
  }
}

describe('a budget of $1 admits exactly ten of 200 calls of $0.10', () => {
  let gateway: Gateway;
  beforeAll(async () => void (gateway = await Gateway.start({ upstream })));
  afterAll(() => gateway.close());
  let serial = 0;
  let id: string;
  beforeEach(() => void (id = `scope-${++serial}`));

  describe.each([false, true])('stream: %s', (stream) => {
    it.each(Object.keys(scopes))('%s', async (scope) => {
      const caller = await scopes[scope]!(gateway, id);
      expectExactCap(await burst(gateway, caller, stream));

      const books = await gateway.books();
      expectBalancedLedger(books);
      const after = await gateway.chat(caller.key, { ...CALL, ...caller.body });
      expect(after.status).toBe(429);
      expect(after.headers['x-should-retry']).toBe('false');
      expect(after.body.error.details).toMatchObject({ limit: 1, spent: 1, held: 0, retryable: false });
    });
  });
});

describe('the budget of the whole proxy', () => {
  it.each([false, true])('is as exact, stream: %s', async (stream) => {
    const gateway = await Gateway.start({
      upstream,
      config: { litellm_settings: { max_budget: 1 } },
    });
    try {
      expectExactCap(await burst(gateway, { key: await gateway.createKey() }, stream));
      expectBalancedLedger(await gateway.books());
      expect((await gateway.admin('GET', '/global/spend')).body).toEqual({ spend: 1, max_budget: 1 });
    } finally {
      await gateway.close();
    }
  });
});
