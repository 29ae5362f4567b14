import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { postgresIsThere } from '../harness/postgres.js';
import { redisIsThere } from '../harness/redis.js';
import { Replicas } from '../harness/replicas.js';
import { scopes } from '../harness/scopes.js';
import { Upstream } from '../harness/upstream.js';

const CALLS = 200;
/** A call that holds and costs 100 tokens at $0.001. */
const CALL = { model: 'm-out', max_tokens: 100 };
const FIT = 10;
const UPSTREAM_MS = 200;

const possible = (await postgresIsThere()) && redisIsThere();

describe.skipIf(!possible).each([2, 4])('with %i replicas, a budget of $1', (count) => {
  let upstream: Upstream;
  let replicas: Replicas;
  beforeAll(async () => {
    upstream = await Upstream.start();
    upstream.delayMs = UPSTREAM_MS;
    replicas = await Replicas.start(count, { upstream, config: { general_settings: { budget_wait_ms: 0 } } });
  });
  afterAll(() => closeAll(replicas, upstream));
  let serial = 0;

  describe.each([false, true])('stream: %s', (stream) => {
    it.each(Object.keys(scopes))('of one %s admits exactly ten of 200 calls of $0.10', async (scope) => {
      const caller = await scopes[scope]!(replicas.first, `scope-${++serial}`);
      const seen = upstream.calls.length;
      const answers = await Promise.all(
        Array.from({ length: CALLS }, () => replicas.chat(caller.key, { ...CALL, ...caller.body, stream })),
      );
      const counted = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
      expect([counted(200), counted(429), upstream.calls.length - seen]).toEqual([FIT, CALLS - FIT, FIT]);
      await replicas.expectTrueBooks();
      for (const gateway of replicas.gateways) {
        const after = await gateway.chat(caller.key, { ...CALL, ...caller.body });
        expect([after.status, after.headers['x-should-retry']]).toEqual([429, 'false']);
        expect(after.body.error.details).toMatchObject({ limit: 1, spent: 1, held: 0, retryable: false });
      }
    });
  });
});
