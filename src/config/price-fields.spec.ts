import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { priceField } from './price-fields.js';
import { PRICE_STRUCTURES } from './price-structures.js';
import { readSettings } from './read-config.js';

/** All names of prices of LiteLLM 1.108.7: those of its custom pricing, and those of its table. */
const NAMES = JSON.parse(
  readFileSync(new URL('../../test/prices/members.json', import.meta.url), 'utf8'),
) as readonly string[];

/** Names of no price that LiteLLM's table has beside prices. */
const NO_PRICE = ['output_vector_size'];

const FILE = (place: 'litellm_params' | 'model_info', member: string) =>
  JSON.stringify({
    model_list: [
      {
        model_name: 'a',
        ...(place === 'model_info' && { model_info: { [member]: 0.5 } }),
        litellm_params: {
          model: 'hosted_vllm/a',
          api_base: 'http://127.0.0.1:1/v1',
          ...(place === 'litellm_params' && { [member]: 0.5 }),
        },
      },
    ],
  });

describe('every price of LiteLLM', () => {
  const billed = NAMES.filter((name) => priceField(name) || Object.hasOwn(PRICE_STRUCTURES, name));
  const unbilled = NAMES.filter((name) => !billed.includes(name) && !NO_PRICE.includes(name));

  it('is billed, or named at the start', () => {
    expect([NAMES.length, billed.length, unbilled.length]).toEqual([168, 125, 42]);
  });

  it.each(unbilled.flatMap((name) => [['litellm_params', name] as const, ['model_info', name] as const]))(
    'that bills nothing is named: %s.%s',
    (place, name) => {
      const { report } = readSettings({ TOLLGATE_MASTER_KEY: 'sk-12345678' }, 'c.yaml', {
        exists: () => true,
        text: () => FILE(place, name),
      });
      expect([...report.ignored, ...report.problems].some((path) => path.includes(name))).toBe(true);
    },
  );
});
