import { expect, it } from 'vitest';
import { readDiscounts, readMargins, type TermsFault } from '../config/cost-terms.js';
import { numberOfShare } from '../policy/price-terms.js';
import { usdFromNanoUsd } from '../policy/money.js';
import { termsOfDeployment } from './terms-of-deployment.js';

const DISCOUNTS = {
  openai: 0.01,
  'openai/gpt-4o': 0.02,
  'openai/gpt-*': 0.03,
  'openai/gpt-5*': 0.04,
  'openai/*o': 0.05,
  azure: 0.06,
  'azure/gpt-4*': 0.07,
};
const MARGINS = {
  global: 0.1,
  azure: { percentage: 0.2, fixed_amount: 0.0005 },
  anthropic: { fixed_amount: 0.001 },
};

/** Discounts as LiteLLM 1.108.7's `resolve_cost_discount` answers for these names. */
it.each([
  ['openai', 'gpt-4o', {}, [0.02, 0.1, 0]],
  ['openai', 'gpt-4o-mini', {}, [0.03, 0.1, 0]],
  ['openai', 'gpt-5-mini', {}, [0.04, 0.1, 0]],
  ['openai', 'gpt-5o', {}, [0.04, 0.1, 0]],
  ['openai', 'foo', {}, [0.05, 0.1, 0]],
  ['openai', 'o3', {}, [0.01, 0.1, 0]],
  ['openai', 'openai/gpt-4o', {}, [0.02, 0.1, 0]],
  ['azure', 'my-deployment', {}, [0.06, 0.2, 0.0005]],
  ['azure', 'my-deployment', { base_model: 'azure/gpt-4o' }, [0.07, 0.2, 0.0005]],
  ['anthropic', 'claude-sonnet-4-5', {}, [0, 0, 0.001]],
  ['groq', 'gpt-4o', {}, [0, 0.1, 0]],
] as const)('%s/%s %o has %o', (provider, upstreamName, traits, expected) => {
  const termsOf = termsOfDeployment({ discounts: DISCOUNTS, margins: MARGINS })!;
  const { discount, margin, fixedNanoUsd } = termsOf({ provider, upstreamName, traits })!;
  expect([numberOfShare(discount), numberOfShare(margin), usdFromNanoUsd(fixedNanoUsd)]).toEqual(expected);
}); // prettier-ignore

it('without settings nothing is looked up', () => {
  expect(termsOfDeployment({ discounts: {}, margins: {} })).toBeUndefined();
  const termsOf = termsOfDeployment({ discounts: { openai: 0.5 }, margins: {} })!;
  expect(termsOf({ provider: 'groq', upstreamName: 'constructor', traits: {} })).toBeUndefined();
});

const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`openai/m${i}`, 0.1]));

it.each([
  [readDiscounts, { openai: '5e-2' }, { openai: 0.05 }, []],
  [readDiscounts, { openai: 1.01 }, {}, ['openai']],
  [readDiscounts, { openai: -0.1 }, {}, ['openai']],
  [readDiscounts, { openai: true, azure: null, groq: 0.1 }, { groq: 0.1 }, ['openai', 'azure']],
  [readDiscounts, { nobody: 0.1 }, {}, ['nobody']],
  [readDiscounts, { 'openai/': 0.1 }, {}, ['openai/']],
  [readDiscounts, { 'openai/gpt-[45]': 0.1 }, {}, ['openai/gpt-[45]']],
  [readDiscounts, { openai: 0.12345678901 }, {}, ['openai']],
  [readDiscounts, [0.1], {}, ['']],
  [readDiscounts, many, {}, ['']],
  [readDiscounts, { global: 0.1 }, {}, ['global']],
  [readMargins, { global: 10, openai: { percentage: 0, fixed_amount: 1 } }, { global: 10, openai: { percentage: 0, fixed_amount: 1 } }, []],
  [readMargins, { global: 10.1 }, {}, ['global']],
  [readMargins, { openai: {} }, {}, ['openai']],
  [readMargins, { openai: { percentage: 11 } }, { openai: {} }, ['openai.percentage']],
  [readMargins, { openai: { fixed_amount: -1 } }, { openai: {} }, ['openai.fixed_amount']],
  [readMargins, { openai: { percent: 1 } }, {}, ['openai.percent']],
  [readMargins, { 'openai/gpt-4o': 0.1 }, {}, ['openai/gpt-4o']],
  [readMargins, { global: Infinity }, {}, ['global']],
])('%o reads %o', (read, value, expected, wrong) => {
  const faults: TermsFault[] = [];
  expect(read(value, (fault) => faults.push(fault))).toEqual(expected);
  expect(faults.map(({ at }) => at)).toEqual(wrong);
}); // prettier-ignore
