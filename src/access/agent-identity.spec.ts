import { expect, it } from 'vitest';
import { agentIdentity } from './agent-identity.js';

const DEVICE = '4ec41ed1';
const ACCOUNT = '0d4ee1f0-9d3c-4d13-b1a1-7f4d8e2b7d10';
const SESSION = 'e96634a3-fa28-4083-b354-55542e2dca01';
const json = (parts: object) => JSON.stringify(parts);

it.each([
  [json({ device_id: DEVICE, account_uuid: ACCOUNT, session_id: SESSION }), ACCOUNT, SESSION],
  [json({ device_id: DEVICE, account_uuid: '', session_id: SESSION }), DEVICE, SESSION],
  [json({ device_id: DEVICE }), DEVICE, undefined],
  [json({ session_id: SESSION }), undefined, SESSION],
  [{ session_id: SESSION }, undefined, SESSION],
  [`user_${'a1'.repeat(32)}_account_${ACCOUNT}_session_${SESSION}`, ACCOUNT, SESSION],
  [`user_${'a1'.repeat(32)}_account__session_${SESSION}`, 'a1'.repeat(32), SESSION],
])('%j works for %s', (sent, account, session) =>
  expect(agentIdentity(sent)).toEqual({ ...(account && { account }), ...(session && { session }) }),
);

it.each([
  'alice',
  'user_alice_session_7',
  '{',
  '{}',
  '{"device_id": 7, "account_uuid": null, "session_id": ["s"]}',
  `{"device_id": ${'['.repeat(2_000)}`,
  json({ device_id: 'd'.repeat(5_000) }),
  '',
  7,
  null,
  undefined,
  ['device_id'],
])('%j is a plain name or none', (sent) => expect(agentIdentity(sent)).toBeUndefined());
