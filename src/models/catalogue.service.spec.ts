import { expect, it } from 'vitest';
import { Catalogue } from './catalogue.service.js';

it('the catalogue is the one whose models were read last, whichever reading ends first', async () => {
  const readings: ((names: string[]) => void)[] = [];
  const row = (modelName: string) => ({
    modelId: modelName,
    modelName,
    litellmParams: { model: 'openai/gpt-4o' },
    sealedParams: null,
    modelInfo: {},
  });
  const catalogue = new Catalogue(
    {
      models: [],
      router: {},
      litellm: { requestTimeoutMs: 1_000, costDiscounts: {}, costMargins: {} },
    } as never,
    {
      read: () =>
        new Promise((resolve) =>
          readings.push((names) => resolve({ rows: names.map(row), groups: [], settings: [] })),
        ),
    } as never,
    { onChange: () => {} } as never,
    undefined as never,
    undefined as never,
    { retain: () => {} } as never,
    undefined as never,
  );
  const first = catalogue.refresh();
  const second = catalogue.refresh();
  readings[1]!(['old', 'added']);
  await second;
  readings[0]!(['old']);
  await first;
  expect(catalogue.current().names()).toEqual(['old', 'added']);
  const third = catalogue.refresh();
  readings[2]!(['added']);
  await third;
  expect(catalogue.current().names()).toEqual(['added']);
});
