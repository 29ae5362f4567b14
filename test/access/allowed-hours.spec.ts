import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AllowedHours, type Day, DAYS, MAX_WINDOWS } from '../../src/policy/allowed-hours.js';
import { DAY_MS } from '../../src/platform/clock.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, testModels } from '../harness/gateway.js';
import { MAIN } from '../harness/fresh-build.js';
import { InProcess } from '../harness/in-process.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(() => closeAll(gateway, upstream));

type Window = readonly [days: readonly Day[], from: string, to: string];
const hours = (time_zone: string, ...windows: Window[]): AllowedHours => ({
  time_zone,
  windows: windows.map(([days, from, to]) => ({ days, from, to })),
});
const NEVER = hours('UTC');
const ALWAYS = hours('UTC', [DAYS, '00:00', '24:00']);

/** Returns the day of an instant in UTC. */
const dayOf = (instant: Date): Day => DAYS[(instant.getUTCDay() + 6) % 7]!;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);
/** Returns a time of a day in UTC, as responses show it. */
const at = (day: Date, time: string) => `${day.toISOString().slice(0, 10)}T${time}:00.000Z`;

const call = (key: string) => gateway.chat(key, { model: 'm-free' });
const evaluation = (type: string, id: string) =>
  gateway.admin('POST', '/access/v1/evaluation', {
    subject: { type, id },
    action: { name: 'call' },
    resource: { type: 'model', id: 'm-free' },
  });

let serial = 0;
const newUser = async (fields: object = {}) => {
  const user_id = `hours-${serial++}`;
  await gateway.create('/user/new', { user_id, auto_create_key: false, ...fields });
  return user_id;
};
const newTeam = async (fields: object = {}) => {
  const team_id = `hours-${serial++}`;
  await gateway.create('/team/new', { team_id, ...fields });
  return team_id;
};
const hoursOf = async (key: string) => (await gateway.admin('GET', `/key/info?key=${key}`)).body.info.allowed_hours; // prettier-ignore

/** Expects the refusal of a caller who calls outside the hours of this party. */
function expectClosed(
  { status, body, headers, text }: Answer,
  kind: string,
  resetsAt?: string,
  type = 'auth_error',
) {
  expect(status, text).toBe(403);
  expect(body.error).toMatchObject({ type, code: '403' });
  expect(body.error.message).toContain('outside its allowed_hours');
  expect(body.error.details).toMatchObject({
    check: 'keyIsWithinAllowedHours',
    scope: { kind },
    retryable: false,
  });
  expect(body.error.details.resets_at).toBe(resetsAt);
  expect(headers).not.toHaveProperty('retry-after');
}

/** Proves on SQLite alone: on PostgreSQL the time is the database's, which a test cannot set. */
function describeOnSqlite(name: string, tests: () => void): void {
  if (process.env.TESTS_ON !== 'postgres') describe(name, tests);
}

describe('a call outside the allowed hours', () => {
  it.each([
    ['key', (allowed_hours: AllowedHours) => gateway.createKey({ allowed_hours })],
    ['team', async (allowed_hours) => gateway.createKey({ team_id: await newTeam({ allowed_hours }) })],
    ['user', async (allowed_hours) => gateway.createKey({ user_id: await newUser({ allowed_hours }) })],
  ] as [string, (allowed_hours: AllowedHours) => Promise<string>][])(
    'of a %s is refused until the next opening, and reaches no provider',
    async (kind, keyWith) => {
      const later = inDays(2);
      const key = await keyWith(hours('UTC', [[dayOf(later)], '09:30', '10:00']));
      const before = upstream.calls.length;
      expectClosed(await call(key), kind, at(later, '09:30'));
      expect(upstream.calls.length).toBe(before);
      expect((await call(await keyWith(ALWAYS))).status).toBe(200);
    },
  );

  it('is refused until key, team and user are all open', async () => {
    const [early, late] = [inDays(2), inDays(3)];
    const days = [dayOf(early), dayOf(late)];
    const key = await gateway.createKey({
      allowed_hours: hours('UTC', [days, '00:00', '12:00']),
      team_id: await newTeam({ allowed_hours: hours('UTC', [[dayOf(late)], '06:00', '24:00']) }),
      user_id: await newUser({ allowed_hours: hours('UTC', [days, '08:30', '09:00']) }),
    });
    expectClosed(await call(key), 'key', at(late, '08:30'));
  });

  it('names no opening where there is none', async () => {
    const key = await gateway.createKey({ allowed_hours: NEVER });
    expectClosed(await call(key), 'key', undefined);
  });

  it('is refused at every route of models', async () => {
    const key = await gateway.createKey({ allowed_hours: NEVER });
    const messages = [{ role: 'user', content: 'hi' }];
    for (const [path, body, type] of [
      ['/v1/embeddings', { model: 'm-embed', input: 'hi' }, 'auth_error'],
      ['/v1/messages', { model: 'm-free', max_tokens: 1, messages }, 'permission_error'],
      ['/v1/responses', { model: 'm-free', input: 'hi' }, 'auth_error'],
    ] as const)
      expectClosed(await gateway.as(key, 'POST', path, body), 'key', undefined, type);
  });

  it('follows a change at once, and null is any time', async () => {
    const key = await gateway.createKey();
    for (const [allowed_hours, status] of [[NEVER, 403], [ALWAYS, 200], [NEVER, 403], [null, 200]] as const) {
      await gateway.create('/key/update', { key, allowed_hours });
      expect(await hoursOf(key)).toEqual(allowed_hours);
      expect((await call(key)).status, JSON.stringify(allowed_hours)).toBe(status);
    }
    await gateway.create('/key/update', { key, allowed_hours: NEVER });
    await gateway.create('/key/update', { key, max_budget: 1 });
    expect(await hoursOf(key)).toEqual(NEVER);
  }); // prettier-ignore
});

describe('a window over midnight', () => {
  it('is open the morning after its day, and not the morning of its day', async () => {
    // A time zone in which the clocks show three o'clock now. The sign of such a name is inverted.
    const behind = (new Date().getUTCHours() + 24 - 3) % 24;
    const zone = behind > 12 ? `Etc/GMT-${24 - behind}` : `Etc/GMT+${behind}`;
    const local = (days: number) =>
      new Date(inDays(days).getTime() - (behind > 12 ? behind - 24 : behind) * 3_600_000);
    const begunYesterday = hours(zone, [[dayOf(local(-1))], '22:00', '06:00']);
    const beginsToday = hours(zone, [[dayOf(local(0))], '22:00', '06:00']);
    expect((await call(await gateway.createKey({ allowed_hours: begunYesterday }))).status).toBe(200);
    const { status, body } = await call(await gateway.createKey({ allowed_hours: beginsToday }));
    expect(status).toBe(403);
    const untilOpen = Date.parse(body.error.details.resets_at as string) - Date.now();
    expect(untilOpen / 3_600_000).toBeGreaterThan(16);
    expect(untilOpen / 3_600_000).toBeLessThan(20);
  });
});

describe('an explanation', () => {
  it('of a key, a team or a user says what the call says', async () => {
    const later = inDays(2);
    const allowed_hours = hours('UTC', [[dayOf(later)], '09:30', '10:00']);
    const [user_id, team_id] = [await newUser({ allowed_hours }), await newTeam({ allowed_hours })];
    const key = await gateway.createKey({ allowed_hours });
    const { body: refused } = await call(key);
    const { request_id: _, ...details } = refused.error.details as Record<string, unknown>;
    for (const [type, id] of [['key', key], ['team', team_id], ['user', user_id]] as const) {
      const { body } = await evaluation(type, id);
      expect(body.decision, type).toBe(false);
      expect(body.context).toMatchObject({
        code: 'outside_allowed_hours',
        details: { ...details, scope: { kind: type } },
      });
      const trace = body.context.trace as { check: string }[];
      expect(trace.find(({ check }) => check === 'keyIsWithinAllowedHours'), type).toMatchObject({
        enforced_by: 'AuthChecksGuard',
        passed: false,
      });
      expect(body.context.details.resets_at).toBe(at(later, '09:30'));
    }
    expect((await evaluation('key', key)).body.context.reason).toBe(refused.error.message);
  }); // prettier-ignore

  it('of the command line says it, too', async () => {
    const explained = (key: string) =>
      spawnSync(process.execPath, [MAIN, 'explain', key, 'm-free', '--url', gateway.url], {
        cwd: gateway.dataFolder,
        env: { PATH: process.env.PATH, TOLLGATE_MASTER_KEY: gateway.masterKey },
        encoding: 'utf8',
      });
    const later = inDays(2);
    const closed = explained(await gateway.createKey({ allowed_hours: hours('UTC', [[dayOf(later)], '09:30', '10:00']) }));
    expect({ code: closed.status, err: closed.stderr }).toEqual({ code: 1, err: '' });
    expect(closed.stdout).toMatch(/^keyIsWithinAllowedHours +NO +Key=.* is outside its allowed_hours/m);
    expect(closed.stdout).toContain(`Calls are allowed again at ${at(later, '09:30')}.`);
    const open = explained(await gateway.createKey({ allowed_hours: ALWAYS }));
    expect(open.status).toBe(0);
    expect(open.stdout).toMatch(/^keyIsWithinAllowedHours +ok$/m);
  }); // prettier-ignore
});

describe('allowed hours that cannot be', () => {
  const window = { days: ['mon'], from: '08:00', to: '18:00' };
  const withWindow = (changed: object) => ({ time_zone: 'UTC', windows: [{ ...window, ...changed }] });
  it.each<[unknown, string]>([
    ['always', 'must be an object with time_zone and windows'],
    [[], 'must be an object with time_zone and windows'],
    [7, 'must be an object with time_zone and windows'],
    [true, 'must be an object with time_zone and windows'],
    [{}, 'time_zone undefined is no IANA time zone'],
    [{ time_zone: null, windows: [] }, 'time_zone null is no IANA time zone'],
    [{ time_zone: 'Mars/Base', windows: [] }, 'time_zone "Mars/Base" is no IANA time zone'],
    [{ time_zone: '+01:00', windows: [] }, 'time_zone "+01:00" is no IANA time zone'],
    [{ time_zone: 'UTC' }, 'windows must be a list; an empty list means never'],
    [{ time_zone: 'UTC', windows: null }, 'windows must be a list; an empty list means never'],
    [{ time_zone: 'UTC', windows: {} }, 'windows must be a list; an empty list means never'],
    [{ time_zone: 'UTC', windows: [], zone: 1 }, 'has an unknown member "zone"'],
    [{ time_zone: 'UTC', windows: Array.from({ length: MAX_WINDOWS + 1 }, () => window) }, 'windows has more than 8 entries'],
    [{ time_zone: 'UTC', windows: [window, null] }, 'windows[1] must be an object with days, from and to'],
    [withWindow({ day: 'mon' }), 'windows[0] has an unknown member "day"'],
    [withWindow({ days: 'mon' }), 'windows[0].days must be a list of 1 to 7 days'],
    [withWindow({ days: [] }), 'windows[0].days must be a list of 1 to 7 days'],
    [withWindow({ days: ['mon', 'Tue'] }), 'windows[0].days[1] "Tue" is no day: mon, tue, wed, thu, fri, sat, sun'],
    [withWindow({ from: 8 }), 'windows[0].from 8 is no time from 00:00 to 23:59'],
    [withWindow({ from: '24:00' }), 'windows[0].from "24:00" is no time from 00:00 to 23:59'],
    [withWindow({ to: '24:01' }), 'windows[0].to "24:01" is no time from 00:00 to 24:00'],
    [withWindow({ to: null }), 'windows[0].to null is no time from 00:00 to 24:00'],
    [withWindow({ to: '08:00' }), 'windows[0].to is the same as from; a whole day is 00:00 to 24:00'],
  ])('%j are refused: %s', async (allowed_hours, problem) => {
    for (const path of ['/key/generate', '/team/new', '/user/new', '/key/update', '/team/update', '/user/update']) {
      const { status, body } = await gateway.admin('POST', path, { allowed_hours });
      expect({ path, status }).toEqual({ path, status: 422 });
      expect(body.error.message, path).toContain(`allowed_hours: ${problem}`);
      expect(body.error.message).not.toContain('allowed_hours: allowed_hours');
    }
  }); // prettier-ignore

  it.each([hours('Europe/Vienna', [['mon', 'fri'], '08:00', '18:00']), NEVER, ALWAYS, null])(
    '%j are stored and shown as they were sent',
    async (allowed_hours) => {
      const key = await gateway.createKey({ allowed_hours });
      const [team_id, user_id] = [await newTeam({ allowed_hours }), await newUser({ allowed_hours })];
      expect(await hoursOf(key)).toEqual(allowed_hours);
      const team = await gateway.admin('GET', `/team/info?team_id=${team_id}`);
      expect(team.body.team_info.allowed_hours).toEqual(allowed_hours);
      const user = await gateway.admin('GET', `/user/info?user_id=${user_id}`);
      expect(user.body.user_info.allowed_hours).toEqual(allowed_hours);
    },
  );
});

describe('who may set allowed hours', () => {
  // A key outside its hours reaches no admin route either, so these are open now.
  const shortDay = dayOf(inDays(3));
  const shortUntil = (to: string) => hours('UTC', [DAYS.filter((day) => day !== shortDay), '00:00', '24:00'], [[shortDay], '08:00', to]); // prettier-ignore
  const [HELD, MORE] = [shortUntil('18:00'), shortUntil('18:01')];
  const LESS = hours('UTC', [[shortDay], '09:00', '10:00']);
  const [LOOSER, NARROWER] = [[MORE, ALWAYS, { ...LESS, time_zone: 'Europe/London' }, null], [LESS, NEVER]]; // prettier-ignore

  it('a key outside its hours reaches no admin route either', async () => {
    const key = await gateway.createKey({ user_id: await newUser(), allowed_hours: NEVER });
    for (const allowed_hours of [ALWAYS, null])
      expectClosed(await gateway.as(key, 'POST', '/key/update', { key, allowed_hours }), 'key');
    expectClosed(await gateway.as(key, 'POST', '/key/generate', {}), 'key');
  });

  it('the owner of a key narrows and never loosens them, in the key and in keys made with it', async () => {
    const user_id = await newUser();
    const key = await gateway.createKey({ user_id, allowed_hours: HELD });
    for (const allowed_hours of LOOSER) {
      const updated = await gateway.as(key, 'POST', '/key/update', { key, allowed_hours });
      expect(updated.body.error, updated.text).toMatchObject({ code: '403', param: 'allowed_hours' });
      const response = await gateway.as(key, 'POST', '/key/generate', { allowed_hours });
      if (allowed_hours) expect(response.body.error, response.text).toMatchObject({ code: '403', param: 'allowed_hours' });
      // Null leaves the field open, and an open field is inherited.
      else expect(await hoursOf(response.body.key as string)).toEqual(HELD);
    }
    const regenerated = await gateway.as(key, 'POST', '/key/regenerate', { key, allowed_hours: MORE });
    expect(regenerated.body.error, regenerated.text).toMatchObject({ code: '403', param: 'allowed_hours' });
    expect(await hoursOf(key)).toEqual(HELD);
    for (const allowed_hours of NARROWER) {
      const response = await gateway.as(key, 'POST', '/key/generate', { allowed_hours });
      expect(response.status, response.text).toBe(200);
    }
    const narrowed = await gateway.as(key, 'POST', '/key/update', { key, allowed_hours: LESS });
    expect(narrowed.status, narrowed.text).toBe(200);
    expect(await hoursOf(key)).toEqual(LESS);
  }); // prettier-ignore

  it('nobody sets those of the own user or, without being its admin, of the team', async () => {
    const user_id = await newUser({ allowed_hours: HELD });
    const team_id = await newTeam({ allowed_hours: HELD, members_with_roles: [{ role: 'user', user_id }] });
    const key = await gateway.createKey({ user_id });
    for (const allowed_hours of [...LOOSER, ...NARROWER]) {
      for (const [path, body] of [
        ['/user/update', { user_id }],
        ['/team/update', { team_id }],
      ] as const) {
        const { status, text } = await gateway.as(key, 'POST', path, { ...body, allowed_hours });
        expect({ path, status }, text).toEqual({ path, status: 403 });
      }
    }
    const user = await gateway.admin('GET', `/user/info?user_id=${user_id}`);
    expect(user.body.user_info.allowed_hours).toEqual(HELD);
    const team = await gateway.admin('GET', `/team/info?team_id=${team_id}`);
    expect(team.body.team_info.allowed_hours).toEqual(HELD);
  });

  it('an admin of a team narrows and never loosens those of the team', async () => {
    const user_id = await newUser();
    const team_id = await newTeam({ allowed_hours: HELD, members_with_roles: [{ role: 'admin', user_id }] });
    const key = await gateway.createKey({ user_id });
    for (const allowed_hours of LOOSER) {
      const { body, text } = await gateway.as(key, 'POST', '/team/update', { team_id, allowed_hours });
      expect(body.error, text).toMatchObject({ code: '403', param: 'allowed_hours' });
    }
    const narrowed = await gateway.as(key, 'POST', '/team/update', { team_id, allowed_hours: LESS });
    expect(narrowed.status, narrowed.text).toBe(200);
  });

  it('a service account inherits the hours of the user who makes it, and gets no more', async () => {
    const user_id = await newUser({ allowed_hours: HELD });
    const team_id = await newTeam({ members_with_roles: [{ role: 'admin', user_id }] });
    const key = await gateway.createKey({ user_id });
    const path = '/key/service-account/generate';
    const response = await gateway.as(key, 'POST', path, { team_id });
    expect(response.status, response.text).toBe(200);
    expect(await hoursOf(response.body.key as string)).toEqual(HELD);
    const wider = await gateway.as(key, 'POST', path, { team_id, allowed_hours: ALWAYS });
    expect(wider.body.error, wider.text).toMatchObject({ code: '403', param: 'allowed_hours' });
    const narrower = await gateway.as(key, 'POST', path, { team_id, allowed_hours: LESS });
    expect(await hoursOf(narrower.body.key as string), narrower.text).toEqual(LESS);
  });
});

describeOnSqlite('when the clocks change', () => {
  let provider: Upstream;
  let inProcess: InProcess;
  beforeAll(async () => {
    provider = await Upstream.start();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2030-03-31T00:00:00Z') });
    inProcess = await InProcess.start({ model_list: testModels(provider.url) });
  });
  afterAll(async () => {
    vi.useRealTimers();
    await closeAll(inProcess, provider);
  });

  it.each([
    // At 01:00 UTC the clocks go from 02:00 to 03:00.
    ['in spring', '02:30', '03:30', '2030-03-31', ['00:59:59', 403, '01:00'], ['01:00:00', 200], ['01:29:59', 200], ['01:30:00', 403]],
    // At 01:00 UTC the clocks go from 03:00 back to 02:00.
    ['in autumn', '02:15', '02:45', '2030-10-27', ['00:14:59', 403, '00:15'], ['00:15:00', 200], ['00:45:00', 403, '01:15'], ['01:15:00', 200], ['01:45:00', 403]],
  ] as [string, string, string, string, ...[time: string, status: number, opens?: string][]][])(
    '%s a window from %s to %s on Sunday is open when the clocks show it',
    async (_, from, to, day, ...moments) => {
      const allowed_hours = hours('Europe/Vienna', [['sun'], from, to]);
      const { key } = await inProcess.create('/key/generate', { allowed_hours });
      for (const [time, status, opens] of moments) {
        vi.setSystemTime(Date.parse(`${day}T${time}Z`));
        const answer = await inProcess.as(key as string, 'POST', '/v1/chat/completions', {
          model: 'm-free',
          messages: [{ role: 'user', content: 'hi' }],
        });
        expect({ time, status: answer.status }, answer.text).toEqual({ time, status });
        if (opens) expect(answer.body.error.details.resets_at).toBe(`${day}T${opens}:00.000Z`);
      }
    },
  ); // prettier-ignore
});
