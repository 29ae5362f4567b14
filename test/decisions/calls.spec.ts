import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { configOf, modelDifferences, type Row, rows, worlds } from './table.js';

/** Proves that real calls, and evaluations of them, have the verdicts and upstreams that the table has. */

const CALLERS = 14;
const MODELS = 3;
/** Verdicts on the name itself. */
const MALFORMED = new Set(['unknown_model', 'bad_request_error']);

const verdicts = new Map(
  Object.values(modelDifferences).flatMap((byRow) =>
    Object.entries(byRow).flatMap(([id, models]) =>
      Object.entries(models).map(([model, verdict]) => [`${id} ${model}`, verdict] as const),
    ),
  ),
);

describe.each(['groups', 'aliases', 'stars'])('in the world “%s”', (world) => {
  let upstream: Upstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await Upstream.start();
    gateway = await Gateway.start({ config: configOf(worlds[world]!, upstream.url) });
  });
  afterAll(() => closeAll(gateway, upstream));

  /** Makes the rows behind a caller and returns its key. */
  async function keyOf({ id, key, team, user, member, organization }: Row): Promise<string> {
    const hasUser = user !== undefined || member !== undefined;
    if (organization)
      await gateway.create('/organization/new', {
        organization_id: id,
        organization_alias: id,
        ...organization,
      });
    if (hasUser) await gateway.create('/user/new', { user_id: id, auto_create_key: false, ...user });
    if (team) await gateway.create('/team/new', { team_id: id, ...team });
    if (member)
      await gateway.create('/team/member_add', {
        team_id: id,
        member: [{ user_id: id, role: 'user' }],
        ...member,
      });
    return gateway.createKey({
      ...key,
      ...(hasUser && { user_id: id }),
      ...(team && { team_id: id }),
      ...(organization && { organization_id: id }),
    });
  }

  it(`${CALLERS} callers get what the table says`, async () => {
    const all = rows.filter((row) => row.world === world);
    const callers = all.filter((_, i) => i % Math.floor(all.length / CALLERS) === 0).slice(0, CALLERS);
    for (const row of callers) {
      const key = await keyOf(row);
      for (const [model, litellm] of Object.entries(row.asked).slice(0, MODELS)) {
        const verdict = verdicts.get(`${row.id} ${model}`) ?? litellm;
        const body = { max_tokens: 1, ...(row.fallbacks && { fallbacks: row.fallbacks }) };
        const before = upstream.calls.length;
        const { status, body: answer } = await gateway.chat(key, { model, ...body });
        const [call, ...others] = upstream.calls.slice(before);
        const { body: evaluation } = await gateway.admin('POST', '/access/v1/evaluation', {
          subject: { type: 'key', id: key },
          action: { name: 'call' },
          resource: { type: 'model', id: model },
          context: { body },
        });
        const at = `${row.id} ${model}`;
        const isAllowed = verdict.includes('/');
        expect({ at, status, evaluated: evaluation.decision, others }).toEqual({
          at,
          status: isAllowed ? 200 : MALFORMED.has(verdict) ? 400 : 403,
          evaluated: isAllowed,
          others: [],
        });
        if (isAllowed) expect(verdict.split(' '), at).toContain(`openai/${call!.model}`);
        else expect({ at, call }).toEqual({ at, call: undefined });
        if (!isAllowed && verdict !== 'unknown_model')
          expect({ at, type: answer.error.type }).toEqual({ at, type: verdict });
      }
    }
  });
});
