import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that a call's session, program, labels and answer are in the ledger, and that it can be found by them. */

const SESSION = 'e96634a3-fa28-4083-b354-55542e2dca01';
const ACCOUNT = '0d4ee1f0-9d3c-4d13-b1a1-7f4d8e2b7d10';
const THREAD = '019a1f7c-b4c5-7e11-8d58-1f0c9f6b2f31';
const chat = { model: 'm', messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 5 };
const message = { model: 'm-claude', messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 5 };
const response = { model: 'm', input: 'Hello!', max_output_tokens: 16 };

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const root = upstream.url.replace(/\/v1$/, '');
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m', upstream.url, {}),
        model('m-other', upstream.url, {}),
        model('m-claude', root, {}, { model: 'anthropic/m-claude' }),
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

interface Row {
  readonly request_id: string;
  readonly litellm_call_id: string;
  readonly session_id: string | null;
  readonly call_type: string;
  readonly status: string;
  readonly end_user: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const logs = async (query: Record<string, string>, by = gateway.masterKey): Promise<Row[]> =>
  (await gateway.as(by, 'GET', `/spend/logs?${new URLSearchParams(query)}`)).body;

/** Makes a call and returns its row. */
async function rowOf(
  path: string,
  body: object,
  headers: Record<string, string> = {},
  key?: string,
): Promise<Row> {
  const answer = await gateway.as(key ?? (await gateway.createKey()), 'POST', `/v1${path}`, body, headers);
  expect(answer.status, answer.text).toBe(200);
  const [row, ...others] = await logs({ request_id: String(answer.headers['x-litellm-call-id']) });
  expect(others).toEqual([]);
  return row!;
}

describe('a coding agent is in the ledger', () => {
  it('Claude Code: session, program, and its account as the end user', async () => {
    const key = await gateway.createKey();
    const sent = (session: string) => ({
      ...message,
      metadata: { user_id: JSON.stringify({ device_id: '4ec41ed1', account_uuid: ACCOUNT, session_id: session }) },
    }); // prettier-ignore
    const headers = {
      'user-agent': 'claude-cli/2.1.197 (external, sdk-cli)',
      'x-claude-code-session-id': SESSION,
    };
    const row = await rowOf('/messages', sent(SESSION), headers, key);
    expect(row).toMatchObject({
      session_id: SESSION,
      end_user: ACCOUNT,
      call_type: 'anthropic_messages',
      metadata: { user_agent: headers['user-agent'], originator: null, trace_id: null },
    });
    // The provider gets what the client sent.
    expect(upstream.calls.at(-1)!.body.metadata).toEqual(sent(SESSION).metadata);
    const second = await rowOf('/messages', sent('another-session'), {}, key);
    expect(second).toMatchObject({ session_id: 'another-session', end_user: ACCOUNT });
    const { body } = await gateway.admin('GET', '/customer/list');
    const names = (body as { user_id: string }[]).map(({ user_id }) => user_id);
    expect(names.filter((name) => name.includes('session'))).toEqual([]);
  });

  it('Codex: session, thread, originator', async () => {
    const row = await rowOf(
      '/responses',
      { ...response, client_metadata: { session_id: SESSION }, prompt_cache_key: SESSION },
      {
        'user-agent': 'codex_exec/0.63.0 (Debian 12; x86_64)',
        originator: 'codex_exec',
        'session-id': SESSION,
        'thread-id': THREAD,
      },
    );
    expect(row).toMatchObject({
      session_id: SESSION,
      call_type: 'aresponses',
      end_user: null,
      metadata: { trace_id: THREAD, originator: 'codex_exec' },
    });
  });

  it('OpenCode: session, program', async () => {
    const headers = { 'user-agent': 'opencode/1.18.33', 'x-session-id': 'ses_5f2e', 'x-session-affinity': 'ses_5f2e' };
    expect(await rowOf('/chat/completions', chat, headers)).toMatchObject({
      session_id: 'ses_5f2e',
      call_type: 'acompletion',
      metadata: { user_agent: 'opencode/1.18.33' },
    });
  }); // prettier-ignore
});

describe('labels', () => {
  it('of the request win over those of the key, and these over those of the team', async () => {
    const { body: team } = await gateway.admin('POST', '/team/new', {
      metadata: { spend_logs_metadata: { from: 'team', cost_center: 'c1' } },
    });
    const key = await gateway.createKey({
      team_id: team.team_id,
      metadata: { spend_logs_metadata: { from: 'key', service: 'search' } },
    });
    const sent = { ...chat, metadata: { spend_logs_metadata: { from: 'request', run: { id: 7 } } } };
    const { metadata } = await rowOf('/chat/completions', sent, {}, key);
    expect(metadata.spend_logs_metadata).toEqual({
      from: 'request',
      run: { id: 7 },
      service: 'search',
      cost_center: 'c1',
    });
    const plain = await rowOf('/chat/completions', chat, {}, key);
    expect(plain.metadata.spend_logs_metadata).toEqual({ from: 'key', service: 'search', cost_center: 'c1' });
    expect(upstream.calls.at(-2)!.body.metadata).toBeUndefined();
  });

  it('and everything else that cannot be stored refuses no call', async () => {
    const row = await rowOf(
      '/chat/completions',
      {
        ...chat,
        litellm_session_id: 's'.repeat(5_000),
        litellm_trace_id: { deep: [[[[]]]] },
        metadata: { user_id: '{"device_id":', spend_logs_metadata: { text: 'a\u0000b', many: 'x'.repeat(50_000) } },
      },
      { 'x-litellm-spend-logs-metadata': '{', originator: 'o'.repeat(300), traceparent: '00-0' },
    ); // prettier-ignore
    expect(row).toMatchObject({
      session_id: null,
      end_user: '{"device_id":',
      metadata: { trace_id: null, originator: null },
    });
    expect(row.metadata.spend_logs_metadata).toEqual({ text: 'a\u0000b', many: 'x'.repeat(1_024) });
  });
});

describe('calls are found', () => {
  const key = { fields: {} };
  it('by session, trace, program and type, on both routes, also with both days', async () => {
    const secret = await gateway.createKey(key.fields);
    const sent = {
      'x-litellm-session-id': 'find-session',
      'x-litellm-trace-id': 'find-trace',
      'user-agent': 'finder/1.2 (x)',
      originator: 'finder_cli',
    };
    const row = await rowOf('/chat/completions', chat, sent, secret);
    await rowOf('/chat/completions', chat, { 'user-agent': 'finder-two/1' }, secret);
    const found = { session_id: 'find-session', trace_id: 'find-trace', originator: 'finder_cli' };
    for (const [name, value] of [
      ...Object.entries(found),
      ...['finder', 'finder/1.2', sent['user-agent']].map((text) => ['user_agent', text] as const),
      ['call_type', 'acompletion'],
      ['call_type', 'chat_completion'],
    ]) {
      const query = { [name!]: value!, ...(name === 'call_type' && { originator: 'finder_cli' }) };
      expect(
        (await logs(query)).map(({ litellm_call_id }) => litellm_call_id),
        name,
      ).toEqual([row.litellm_call_id]);
    }
    const day = new Date().toISOString().slice(0, 10);
    expect(await logs({ session_id: 'find-session', start_date: day, end_date: day })).toHaveLength(1);
    const page = await gateway.admin(
      'GET',
      `/spend/logs/v2?start_date=2020-01-01&end_date=2099-01-01&user_agent=finder`,
    );
    expect(page.body).toMatchObject({ total: 1, data: [{ session_id: 'find-session' }] });
    for (const miss of ['find', 'inder', 'FINDER', 'finder/1', '%'])
      expect(await logs({ user_agent: miss }), miss).toEqual([]);
  });

  it('and summed by session, for those whom they concern', async () => {
    const { body: user } = await gateway.admin('POST', '/user/new', { auto_create_key: false });
    const secret = await gateway.createKey({ user_id: user.user_id });
    for (const session of ['sum-1', 'sum-2', 'sum-1'])
      await rowOf('/chat/completions', chat, { 'x-litellm-session-id': session }, secret);
    const rows = (await gateway.as(secret, 'GET', '/spend/sessions')).body;
    expect(rows).toMatchObject([
      { session_id: 'sum-1', calls: 2, failed_calls: 0 },
      { session_id: 'sum-2', calls: 1 },
    ]);
    const own = await logs({ session_id: 'sum-1' });
    expect(own).toHaveLength(2);
    const { body: other } = await gateway.admin('POST', '/user/new', { auto_create_key: false });
    const foreign = await gateway.createKey({ user_id: other.user_id });
    expect((await gateway.as(foreign, 'GET', '/spend/sessions')).body).toEqual([]);
  });

  it('by the id of the answer, whole or streamed; each caller finds their own', async () => {
    const { body: mine } = await gateway.admin('POST', '/user/new', { auto_create_key: false });
    const { body: theirs } = await gateway.admin('POST', '/user/new', { auto_create_key: false });
    const [secret, foreign] = [
      await gateway.createKey({ user_id: mine.user_id }),
      await gateway.createKey({ user_id: theirs.user_id }),
    ];
    for (const [path, body, idIn] of [
      ['/chat/completions', chat, /"id": ?"([^"]+)"/],
      ['/messages', message, /"id": ?"(msg_[^"]*|[^"]+)"/],
      ['/responses', response, /"id": ?"([^"]+)"/],
    ] as const) {
      for (const stream of [false, true]) {
        const answer = await gateway.as(secret, 'POST', `/v1${path}`, { ...body, stream });
        const id = idIn.exec(answer.text)![1]!;
        const callId = String(answer.headers['x-litellm-call-id']);
        const rows = await logs({ request_id: id }, secret);
        expect(
          rows.map((row) => row.litellm_call_id),
          `${path} ${stream}`,
        ).toContain(callId);
        expect(rows[0]).toMatchObject({ request_id: id, status: 'success' });
        expect(await logs({ request_id: id }, foreign)).toEqual([]);
        for (const header of ['x-request-id', 'x-litellm-call-id'])
          expect(await logs({ request_id: String(answer.headers[header]) }, secret)).toHaveLength(1);
      }
    }
  });

  it('by the id of an answer that broke off; a failed attempt before it keeps its own', async () => {
    const id = 'chatcmpl-broken-1';
    const event = `data: ${JSON.stringify({ id, choices: [{ index: 0, delta: { content: 'Hi' } }] })}\n\n`;
    upstream.behave = ({ model: name }) =>
      name === 'up-m' ? { status: 500 } : { rawStream: [': ping\n\n', event, 'data: {"broken'] };
    const secret = await gateway.createKey();
    const answer = await gateway.chat(secret, { ...chat, fallbacks: ['m-other'], stream: true });
    expect(answer.text).toContain(id);
    const [row] = await logs({ request_id: id });
    expect(row).toMatchObject({ request_id: id, status: 'failure' });
    const attempts = await logs({ request_id: String(answer.headers['x-request-id']) });
    expect(attempts.length).toBeGreaterThan(1);
    expect(attempts.filter(({ request_id }) => request_id === id)).toHaveLength(1);
    for (const { request_id, litellm_call_id } of attempts.filter((one) => one.request_id !== id))
      expect(request_id).toBe(litellm_call_id);
  });

  it('by none of the ids that a hostile provider sends', async () => {
    for (const id of ['x'.repeat(300), 'two words', 'line\nbreak', 7, { id: 'x' }, '']) {
      upstream.behave = () => ({
        rawBody: JSON.stringify({ id, choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }),
      });
      const { request_id, litellm_call_id } = await rowOf('/chat/completions', chat);
      expect(request_id).toBe(litellm_call_id);
    }
  });
});
