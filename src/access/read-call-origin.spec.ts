import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { readCallOrigin } from './read-call-origin.js';

const read = (headers: IncomingHttpHeaders, body: Record<string, unknown> = {}) =>
  readCallOrigin(headers, { has: (name) => name in body, value: (name) => body[name] });
const SESSION = 'e96634a3-fa28-4083-b354-55542e2dca01';
const THREAD = '019a1f7c-b4c5-7e11-8d58-1f0c9f6b2f31';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CODEX = { 'user-agent': 'codex_exec/0.63.0 (Debian 12; x86_64)', originator: 'codex_exec' };

describe('the session', () => {
  it.each<[IncomingHttpHeaders, Record<string, unknown>, string | undefined]>([
    [{ 'x-claude-code-session-id': SESSION }, {}, SESSION],
    [{}, { metadata: { user_id: JSON.stringify({ device_id: 'd', session_id: SESSION }) } }, SESSION],
    [{ 'session-id': SESSION, 'thread-id': THREAD, ...CODEX }, {}, SESSION],
    [{ 'thread-id': THREAD, ...CODEX }, {}, THREAD],
    [{ originator: 'codex_vscode' }, { client_metadata: { session_id: SESSION } }, SESSION],
    [{ 'x-session-id': SESSION, 'x-session-affinity': 'other' }, {}, SESSION],
    [{ 'x-session-affinity': SESSION }, {}, SESSION],
    [{ 'x-litellm-session-id': 's' }, { litellm_session_id: 'b' }, 's'],
    [{ 'x-litellm-session-id': 's', 'x-claude-code-session-id': SESSION }, {}, 's'],
    [{ 'x-litellm-trace-id': 't', 'x-session-id': SESSION }, {}, 't'],
    [{}, { litellm_session_id: 'b', metadata: { session_id: 'm' } }, 'b'],
    [{}, { metadata: { session_id: 'm' } }, 'm'],
    [{}, { litellm_metadata: { session_id: 'l' } }, 'l'],
    [{}, { litellm_trace_id: 't' }, 't'],
    [{ baggage: 'a=b, session.id=bag', traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }, {}, 'bag'],
    [{ traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }, {}, TRACE],
    // Other clients may use these names for something else.
    [{ 'session-id': SESSION, 'user-agent': 'curl/8' }, {}, undefined],
    [{ 'x-acme-session-id': 'two words' }, {}, undefined],
    // What cannot be stored is passed over.
    [{ 'x-litellm-session-id': 's'.repeat(256) }, { litellm_session_id: 'b' }, 'b'],
    [{}, { litellm_session_id: 'a\u0000b', metadata: { session_id: 'm' } }, 'm'],
    [{}, { litellm_session_id: { deep: [] }, metadata: 'text', client_metadata: [1] }, undefined],
  ])('case %#', (headers, body, id) => expect(read(headers, body)?.sessionId).toBe(id));
});

describe('the trace', () => {
  it.each<[IncomingHttpHeaders, Record<string, unknown>, string | undefined]>([
    [{ 'x-litellm-trace-id': 't', 'x-litellm-session-id': 's' }, { litellm_trace_id: 'b' }, 't'],
    [{}, { litellm_trace_id: 'b', metadata: { trace_id: 'm' } }, 'b'],
    [{ 'x-litellm-session-id': 's' }, { metadata: { trace_id: 'm' } }, 'm'],
    [{ 'session-id': SESSION, 'thread-id': THREAD, ...CODEX }, {}, THREAD],
    [{ traceparent: ` 00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01` }, {}, TRACE],
    [{ traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` }, {}, undefined],
    [{ traceparent: 'nonsense' }, {}, undefined],
    [{ 'x-claude-code-session-id': SESSION }, {}, undefined],
  ])('case %#', (headers, body, id) => expect(read(headers, body)?.traceId).toBe(id));
});

describe('the user agent', () => {
  it.each([
    ['claude-cli/2.1.197 (external, sdk-cli)', 'claude-cli/2.1.197 (external, sdk-cli)'],
    ['opencode/1.18.33', 'opencode/1.18.33'],
    ['<b>x</b>/1 (ünï)', '_b_x_/b_/1 (n)'],
    [`${'p'.repeat(100)}/1 ${'x'.repeat(500)}`, `${'p'.repeat(64)} ${'x'.repeat(63)}`],
    ['  ', undefined],
    ['\u0001\u0002', undefined],
  ])('case %#', (sent, stored) => expect(read({ 'user-agent': sent })?.userAgent).toBe(stored));
});

describe('spend_logs_metadata', () => {
  it.each<[IncomingHttpHeaders, Record<string, unknown>, unknown]>([
    [{ 'x-litellm-spend-logs-metadata': '{"team":"a"}' }, { metadata: { spend_logs_metadata: { b: 1 } } }, { team: 'a' }],
    [{}, { metadata: { spend_logs_metadata: { project: 'x', tags: ['a', 1, null] } } }, { project: 'x', tags: ['a', 1, null] }],
    [{}, { litellm_metadata: { spend_logs_metadata: { a: 1 } }, metadata: { spend_logs_metadata: { b: 1 } } }, { a: 1 }],
    [{ 'x-litellm-spend-logs-metadata': 'no json' }, { metadata: { spend_logs_metadata: { b: 1 } } }, { b: 1 }],
    [{ 'x-litellm-spend-logs-metadata': '[1]' }, {}, undefined],
    [{}, { metadata: { spend_logs_metadata: 7 } }, undefined],
    [{}, { metadata: { spend_logs_metadata: { a: { b: { c: { d: {} } } }, e: 1 } } }, { a: { b: { c: {} } }, e: 1 }],
    [{}, { metadata: { spend_logs_metadata: { long: 'x'.repeat(5_000) } } }, { long: 'x'.repeat(1_024) }],
  ])('case %#', (headers, body, labels) =>
    expect(read(headers, body)?.spendLogsMetadata).toEqual(labels),
  ); // prettier-ignore

  it('takes 64 entries and 4 KiB of a body with thousands', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`name-${i}`, i]));
    const few = read({}, { metadata: { spend_logs_metadata: many } })!.spendLogsMetadata!;
    expect(Object.keys(few)).toHaveLength(64);
    const large = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`name-${i}`, 'x'.repeat(1_000)]));
    const short = read({}, { metadata: { spend_logs_metadata: large } })!.spendLogsMetadata!;
    expect(JSON.stringify(short).length).toBeLessThanOrEqual(4_096);
  });
});

it('is nothing if the call says nothing', () => {
  expect(read({ host: 'x', authorization: 'Bearer sk-1' }, { messages: [] })).toBeUndefined();
});

it('passes over names that are no labels of their own', () => {
  const sent = JSON.parse('{"__proto__": {"a": 1}, "b": {"__proto__": 2}}') as unknown;
  const labels = read({}, { metadata: { spend_logs_metadata: sent } })!.spendLogsMetadata!;
  expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
});
