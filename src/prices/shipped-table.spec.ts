import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { knownModel } from './known-model.js';
import { shippedTable } from './shipped-table.js';
// @ts-expect-error -- A script without types.
import { table } from '../../scripts/price-table/make.mjs';

it('is what the script makes of its inputs', () => {
  const shipped = readFileSync(new URL('table.json', import.meta.url), 'utf8');
  expect((table as () => string)() === shipped).toBe(true);
});

it('has every row of its inputs under its name', () => {
  const inputs = JSON.parse(
    readFileSync(new URL('../../scripts/price-table/litellm.json', import.meta.url), 'utf8'),
  ) as Record<string, object>;
  const missing = Object.keys(inputs).filter((name) => !shippedTable.row(name));
  expect(missing).toEqual([]);
  expect([...shippedTable.rows()]).toHaveLength(Object.keys(inputs).length);
});

it('names the source of each figure that is not LiteLLM’s', () => {
  const { corrections, source } = knownModel('openai', 'gpt-5.4')!;
  expect({ corrections, source }).toEqual({
    source: 'litellm',
    corrections: { search_context_cost_per_query: expect.stringContaining('OpenAI') },
  });
});
