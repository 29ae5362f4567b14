import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { eventually } from '../harness/eventually.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

const CLIENT = '203.0.113.9';
/** The client invents the first address. */
const FORWARDED = { 'x-forwarded-for': `198.51.100.7, ${CLIENT}` };

/** Makes a call, a refused call and a change by an admin. Returns each address that is stored or logged. */
async function addressesAt(gateway: Gateway, headers: Record<string, string>) {
  const key = await gateway.createKey({ models: ['m-out'], max_budget: 10 });
  const call = { 'x-request-id': `call-${key.slice(-6)}`, ...headers };
  expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 }, call)).status).toBe(200);
  const refused = { 'x-request-id': `refused-${key.slice(-6)}`, ...headers };
  expect((await gateway.chat(key, { model: 'm-in', max_tokens: 1 }, refused)).status).toBe(403);
  const change = { 'x-request-id': `change-${key.slice(-6)}`, ...headers };
  await gateway.as(gateway.masterKey, 'POST', '/key/update', { key, max_budget: 11 }, change);
  const [row] = (await gateway.admin('GET', `/spend/logs?request_id=${call['x-request-id']}`)).body;
  const audit = (await gateway.admin('GET', `/audit?request_id=${change['x-request-id']}`)).body;
  const line = await eventually(() => {
    const found = gateway.logs.split('\n').find((text) => text.includes(refused['x-request-id']));
    if (!found) throw new Error('The refusal is not logged.');
    return JSON.parse(found.slice(found.indexOf('{'))) as { client_address?: string };
  });
  return [
    row.requester_ip_address,
    row.metadata.requester_ip_address,
    audit.audit_logs[0].client_address,
    line.client_address,
  ] as unknown[];
}

describe('the address of a client', () => {
  let upstream: Upstream;
  let gateway: Gateway;
  let silent: Gateway;
  beforeAll(async () => {
    upstream = await Upstream.start();
    const config = { trusted_proxies: ['127.0.0.0/8'] };
    gateway = await Gateway.start({ upstream, config: { general_settings: config } });
    silent = await Gateway.start({
      upstream,
      config: { general_settings: { ...config, store_client_address: false } },
    });
  });
  afterAll(() => closeAll(gateway, silent, upstream));

  it('stands in the ledger, the audit log and the log, as the trusted proxy reports it', async () => {
    expect(await addressesAt(gateway, FORWARDED)).toEqual([CLIENT, CLIENT, CLIENT, CLIENT]);
  });

  it('is the connection’s without a proxy', async () => {
    const own = '127.0.0.1';
    expect(await addressesAt(gateway, {})).toEqual([own, own, own, own]);
  });

  it('is nowhere if store_client_address is false', async () => {
    expect(await addressesAt(silent, FORWARDED)).toEqual([null, null, null, undefined]);
    expect(silent.logs).not.toContain(CLIENT);
  });
});
