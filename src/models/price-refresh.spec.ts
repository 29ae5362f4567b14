import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Config } from '../config/config.js';
import type { Catalogue } from './catalogue.service.js';
import { PriceRefresh } from './price-refresh.js';
import { replacePriceTable } from '../prices/library-prices.js';

vi.mock('../prices/library-prices.js', async (original) => ({
  ...(await original<object>()),
  replacePriceTable: vi.fn(async () => 2_000),
}));

const replace = vi.mocked(replacePriceTable);
const catalogue = { refresh: vi.fn(async () => {}) };
let server: Server;
let answer: RequestListener;
let warnings: string[];
let closing: PriceRefresh[];

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  warnings = [];
  closing = [];
  vi.spyOn(Logger.prototype, 'warn').mockImplementation((line: string) => void warnings.push(line));
  vi.spyOn(Logger.prototype, 'log').mockImplementation(() => {});
});
afterEach(() => {
  for (const one of closing) one.onApplicationShutdown();
  server.closeAllConnections();
  server.close();
  vi.restoreAllMocks();
  vi.clearAllMocks();
});

const urlOf = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.json`;
const aRefresh = (priceRefreshMs?: number, priceRefreshUrl = urlOf()) => {
  const general = { priceRefreshUrl, ...(priceRefreshMs !== undefined && { priceRefreshMs }) };
  const refresh = new PriceRefresh(catalogue as unknown as Catalogue, { general } as Config);
  closing.push(refresh);
  return refresh;
};

describe('refreshing prices', () => {
  it('hands over what was fetched, then has the catalogue made anew', async () => {
    answer = (_, response) => response.end('[{"id": "a"}]');
    await aRefresh().refresh();
    expect(replace).toHaveBeenCalledWith([{ id: 'a' }]);
    expect(catalogue.refresh).toHaveBeenCalledAfter(replace);
    expect(warnings).toEqual([]);
  });

  it.each<[string, RequestListener, string, timeoutMs?: number]>([
    ['an error', (_, response) => response.writeHead(500).end('[]'), 'it answered 500'],
    ['half an answer', (_, response) => response.end('[{"id": '), 'JSON'],
    ['a connection that breaks', (_, response) => void response.writeHead(200, { 'content-length': 9 }).write('[', () => response.destroy()), 'terminated'],
    ['nothing, for too long', () => {}, 'timeout', 100],
    ['one byte at a time', (_, response) => void setInterval(() => response.write(' '), 20).unref(), 'timeout', 200],
    ['no end', (_, response) => {
      const more = () => { while (response.write(Buffer.alloc(1 << 20, ' '))); };
      response.on('drain', more);
      more();
    }, 'larger than'],
  ])('keeps what it has when it is given %s, and says so in one line', async (_, bad, reason, timeoutMs) => {
    answer = bad;
    await aRefresh().refresh(timeoutMs);
    expect(replace).not.toHaveBeenCalled();
    expect(catalogue.refresh).not.toHaveBeenCalled();
    expect(warnings).toEqual([expect.stringContaining(reason)]);
    expect(warnings[0]).not.toContain('\n');
  }); // prettier-ignore

  it('keeps what it has when nobody is there, or the table is refused', async () => {
    await aRefresh(undefined, 'http://127.0.0.1:1/').refresh();
    answer = (_, response) => response.end('[]');
    replace.mockRejectedValueOnce(new Error('it prices 0 models'));
    await aRefresh().refresh();
    expect(catalogue.refresh).not.toHaveBeenCalled();
    expect(warnings).toEqual([
      expect.stringContaining('http://127.0.0.1:1/'),
      expect.stringContaining('0 models'),
    ]);
  });

  it('is done again and again, after failures too, until the end; not at all unless it is asked for', async () => {
    let fetches = 0;
    answer = (_, response) => response.writeHead(++fetches === 1 ? 500 : 200).end('[]');
    aRefresh().onApplicationBootstrap();
    const refresh = aRefresh(20);
    refresh.onApplicationBootstrap();
    await vi.waitFor(() => expect(replace.mock.calls.length).toBeGreaterThanOrEqual(2), { timeout: 60_000 });
    expect(warnings).toHaveLength(1);
    const fetching = vi.spyOn(globalThis, 'fetch');
    refresh.onApplicationShutdown();
    await new Promise((done) => setTimeout(done, 200));
    expect(fetching).not.toHaveBeenCalled();
  });

  it('is broken off at the end, without a word', async () => {
    answer = () => {};
    const refresh = aRefresh();
    const done = refresh.refresh();
    refresh.onApplicationShutdown();
    await done;
    expect(warnings).toEqual([]);
    const again = aRefresh(1);
    again.onApplicationBootstrap();
    const fetching = vi.spyOn(globalThis, 'fetch');
    again.onApplicationShutdown();
    await new Promise((next) => setTimeout(next, 100));
    expect(fetching).not.toHaveBeenCalled();
  });
});
