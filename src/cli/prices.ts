import { readFileSync } from 'node:fs';
import type { ReadSettings } from '../config/read-config.js';
import { parseModel } from '../config/providers.js';
import { type Deployment, knownOf, makeDeployment } from '../models/deployment.js';
import { type DeploymentPrices, pricesOf, pricesOfModel } from '../models/deployment-prices.js';
import { escapeUnprintable } from '../policy/printable.js';
import { costMap } from '../prices/cost-map.js';
import { forgetKnownModels, pricedProvider } from '../prices/known-model.js';
import { type PriceDifference, priceDifferences } from '../prices/price-differences.js';
import { roundUsd, usdPerMillion } from './usd-per-million.js';

/** One model with its price. The form is stable: members are added, not changed. */
interface PriceReport {
  readonly model_name: string | null;
  /** `<provider>/<name>`. */
  readonly model: string;
  readonly is_priced: boolean;
  /** Each figure in USD, under LiteLLM's names. */
  readonly prices: DeploymentPrices['members'];
  readonly sources: DeploymentPrices['sources'];
  /** Figures about which the price library differs by more than 1 %. */
  readonly differences: readonly PriceDifference[];
}

/**
 * Runs `tollgate prices`: prints what the models of the file cost, or every figure of one model with its source, and returns the
 * exit code. 1: a model has no price. Reads no network: a cost map at an address is not read.
 */
export function printPrices(
  read: ReadSettings,
  name: string | undefined,
  { isJson }: { readonly isJson: boolean },
  say: (line: string) => void,
): number {
  const { costMapUrl } = read.settings;
  if (costMapUrl !== undefined) readCostMap(costMapUrl, isJson ? () => {} : say);
  const served = read.settings.models.flatMap((model) => {
    const { router, litellm, providerVariables } = read.settings;
    const timeoutMs = router.timeoutMs ?? litellm.requestTimeoutMs;
    const deployment = makeDeployment(model, timeoutMs, providerVariables);
    return 'problem' in deployment ? [] : [deployment];
  });
  const asked = name === undefined ? served : served.filter(({ modelName }) => modelName === name);
  const reports = asked.length || name === undefined ? asked.map(reportOf) : [reportOfName(name)];
  if (isJson) say(JSON.stringify(reports, null, 2));
  else for (const line of name === undefined ? listLines(reports) : reports.flatMap(figureLines)) say(escapeUnprintable(line)); // prettier-ignore
  return reports.every((report) => report.is_priced) ? 0 : 1;
}

function readCostMap(place: string, say: (line: string) => void): void {
  if (/^https?:/i.test(place))
    return say(`The cost map at ${place} is not read: this command calls no server.`);
  try {
    costMap.replace(JSON.parse(readFileSync(place, 'utf8')));
    forgetKnownModels();
  } catch (error) {
    say(`The cost map at ${place} is not used: ${(error as Error).message}`);
  }
}

function reportOf(deployment: Deployment): PriceReport {
  const { modelName, provider, upstreamName, price, ownPrices } = deployment;
  const { members, sources } = pricesOf(deployment);
  return {
    model_name: modelName,
    model: `${provider}/${upstreamName}`,
    is_priced: price !== undefined,
    prices: members,
    sources,
    differences: ownPrices ? [] : priceDifferences(provider, upstreamName),
  };
}

/** Returns the price of a model that the file does not serve, with or without a provider before its name. */
function reportOfName(name: string): PriceReport {
  const parsed = parseModel(name);
  const isBare = parsed.provider === 'openai' && parsed.name === name;
  const provider = (isBare ? pricedProvider(name) : undefined) ?? parsed.provider;
  const model = knownOf(provider, parsed.name);
  const { members, sources } = pricesOfModel(model);
  return {
    model_name: null,
    model: `${provider}/${parsed.name}`,
    is_priced: model?.price !== undefined,
    prices: members,
    sources,
    differences: priceDifferences(provider, parsed.name),
  };
}

const usd = (amount: number) => String(roundUsd(amount));
const perMillion = (value: unknown) => (typeof value === 'number' ? String(usdPerMillion(value)) : '–');

function listLines(reports: readonly PriceReport[]): string[] {
  const unpriced = reports.filter((report) => !report.is_priced && !report.model.includes('*'));
  return [
    'USD for a million tokens in / out, and where they are from:',
    ...reports.map((report) => `  ${headOf(report)}: ${summaryOf(report)}`),
    '',
    `${reports.length - unpriced.length} with a price or a wildcard, ${unpriced.length} without.`,
    ...(unpriced.length
      ? [`Without: ${unpriced.map(headOf).join(', ')}. They are refused wherever a budget applies.`]
      : []),
  ];
}

const headOf = ({ model_name, model }: PriceReport) =>
  model_name === null || model_name === model ? model : `${model_name} (${model})`;

function summaryOf({ is_priced, prices, sources, differences, model }: PriceReport): string {
  if (!is_priced) return model.includes('*') ? 'the price of each name' : 'NO PRICE';
  const { input_cost_per_token: input, output_cost_per_token: output } = prices;
  const from = [...new Set(Object.values(sources).map(({ source }) => source))].join(', ');
  const others = Object.keys(prices).filter(
    (member) => !/^(?:in|out)put_cost_per_token$/.test(member),
  ).length;
  return [
    `${perMillion(input)} / ${perMillion(output)}`,
    ...(others ? [`and ${others} further figures`] : []),
    `from ${from}`,
    ...(differences.length ? [`; the price library differs in ${differences.length}`] : []),
  ].join(' ');
}

function figureLines(report: PriceReport): string[] {
  const { prices, sources, differences, is_priced } = report;
  if (!is_priced) return [`${headOf(report)}: NO PRICE. A call is refused wherever a budget applies.`];
  return [
    `${headOf(report)}, in USD:`,
    ...Object.entries(prices).map(([member, value]) => {
      const { source, text } = sources[member] ?? { source: 'litellm' };
      const figure = typeof value === 'number' ? usd(value) : JSON.stringify(value);
      const difference = differences.find((one) => one.member === member);
      return [
        `  ${member}: ${figure} (${source}${text === undefined ? '' : `: ${text}`})`,
        ...(difference ? [`; the price library says ${usd(difference.libraryUsd)}`] : []),
      ].join('');
    }),
  ];
}
