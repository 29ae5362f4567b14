import { CALL_TYPES } from '../call-types/call-types.js';
import type { ModelConfig } from '../config/config.js';
import { isHostOfOpenAi, routeOf, answers } from '../config/providers.js';
import type { ReadSettings } from '../config/read-config.js';
import { CatalogueSnapshot } from '../models/catalogue.js';
import { danglingNames } from '../models/catalogue-remarks.js';
import { type Deployment, makeDeployment } from '../models/deployment.js';
import { type DeploymentPrices, pricesOf } from '../models/deployment-prices.js';
import { escapeUnprintable } from '../policy/printable.js';
import type { TableRow } from '../prices/table-row.js';
import { adviceFor, adviceForProvider } from './config-advice.js';

/** One finding about a deployment, a setting or the file. */
export interface Remark {
  /** Path in the file, or the name of an environment variable. Null: about the file as a whole. */
  readonly at: string | null;
  readonly message: string;
  /** Text to write instead. Null: nothing is needed, or nothing is known. */
  readonly instead: string | null;
}

export interface DeploymentReport {
  readonly at: string;
  readonly model_name: string | null;
  readonly result: 'works' | 'works_with_remarks' | 'left_out';
  readonly provider: string | null;
  /** Name of the model at the provider. */
  readonly upstream_name: string | null;
  readonly address: string | null;
  /** `api_key`, `extra_headers`, the name of a variable, or null: calls carry no key. */
  readonly key_from: string | null;
  /** Figures in USD under LiteLLM's names, and the source of each. Null: no price is known. */
  readonly price: { readonly figures: TableRow; readonly sources: DeploymentPrices['sources'] } | null;
  readonly remarks: readonly Remark[];
}

export interface SettingReport extends Remark {
  readonly result: 'works' | 'no_effect' | 'stops_the_start';
}

/** Effect of a configuration on a start. The form is stable: members are added, not changed. */
export interface ConfigReport {
  readonly file: string | null;
  readonly result: 'works' | 'works_with_remarks' | 'does_not_start';
  readonly exit_code: 0 | 1 | 2;
  readonly deployments: readonly DeploymentReport[];
  readonly settings: readonly SettingReport[];
  readonly remarks: readonly Remark[];
}

/** Returns the report of what the gateway's own reader read. `storedProblems`: those of secrets in the data folder. */
export function configReport(read: ReadSettings, storedProblems: readonly string[]): ConfigReport {
  const { report, settings } = read;
  const problems = [...new Set([...report.problems, ...storedProblems])];
  const deployments = deploymentReports(read);
  const settingReports = [
    ...settingsOf(read, problems),
    ...problems.map((problem) => ({
      ...remarkOf(problem),
      result: 'stops_the_start' as const,
    })),
  ];
  const snapshot = new CatalogueSnapshot(
    settings.models.flatMap((model) => {
      const deployment = deploymentOf(model, read);
      return 'problem' in deployment ? [] : [deployment];
    }),
    { ...settings.router.modelAliases, ...settings.litellm.modelAliases },
  );
  const remarks = [
    ...report.warnings.map(remarkOf),
    ...danglingNames(snapshot, settings).map((name) => ({
      at: null,
      message: `aliases or fallbacks lead to '${name}', which no deployment serves`,
      instead: 'A model_name of model_list',
    })),
    ...(settings.models.length
      ? []
      : [
          {
            at: 'model_list',
            message: 'no deployment can be called, so every call is refused',
            instead: null,
          },
        ]),
  ];
  const isClean =
    !remarks.length &&
    deployments.every(({ result }) => result === 'works') &&
    settingReports.every(({ result }) => result === 'works');
  const result = problems.length ? 'does_not_start' : isClean ? 'works' : 'works_with_remarks';
  return {
    file: settings.configFile ?? null,
    result,
    exit_code: problems.length ? 2 : isClean ? 0 : 1,
    deployments,
    settings: settingReports,
    remarks,
  };
}

/** Splits `path: message`. */
function remarkOf(text: string): Remark {
  const [, at = null, message = text] = /^([^\s:]+(?: [^\s:]+)?): (.*)$/s.exec(text) ?? [];
  return { at, message, instead: null };
}

function deploymentReports(read: ReadSettings): DeploymentReport[] {
  const { models, leftOutModels } = read.settings;
  const leftOut = new Map(leftOutModels.map((model) => [model.at, model]));
  const usable = models.values();
  return Array.from({ length: models.length + leftOutModels.length }, (_, i) => {
    const at = `model_list[${i}]`;
    const without = leftOut.get(at);
    if (!without) return usableReport(at, usable.next().value!, read);
    return {
      at,
      model_name: without.modelName === undefined ? null : escapeUnprintable(without.modelName),
      result: 'left_out',
      provider: null,
      upstream_name: null,
      address: null,
      key_from: null,
      price: null,
      remarks: without.problems.map(remarkOf).map((remark) => ({ ...remark, instead: insteadOf(remark) })),
    };
  });
}

/** Returns what to write instead of a provider that is not served. */
function insteadOf({ message }: Remark): string | null {
  const [, provider] = /^the provider '([^']+)' is not served/.exec(message) ?? [];
  return (provider && adviceForProvider(provider)) ?? null;
}

const deploymentOf = (
  model: ModelConfig,
  { settings: { providerVariables, router, litellm } }: ReadSettings,
) => makeDeployment(model, router.timeoutMs ?? litellm.requestTimeoutMs, providerVariables);

function usableReport(at: string, model: ModelConfig, read: ReadSettings): DeploymentReport {
  const { modelName, litellmParams } = model;
  const deployment = deploymentOf(model, read);
  if ('problem' in deployment) throw new Error(`${at}: ${deployment.problem}`);
  const route = routeOf(litellmParams, read.settings.providerVariables);
  const isMocked = litellmParams.mock_response !== undefined;
  const isByName = deployment.forName !== undefined;
  const remarks: Remark[] = [];
  const remark = (path: string | null, message: string, instead: string | null = null) =>
    remarks.push({ at: path === null ? at : `${at}.${path}`, message, instead });
  for (const path of read.report.ignored) {
    const [, name] = /^model_list\[\]\.litellm_params\.(.+)$/.exec(path) ?? [];
    if (path.startsWith(`${at}.`)) remarks.push(noEffect(path));
    else if (name !== undefined && Object.hasOwn(litellmParams, name))
      remarks.push(noEffect(`${at}.litellm_params.${name}`));
  }
  if (!isMocked && !isByName) {
    if (!answers(deployment, '/chat/completions')) {
      const served = CALL_TYPES.filter(({ path }) => answers(deployment, path)).map(
        ({ path }) => `/v1${path}`,
      );
      remark(
        'litellm_params.model',
        `answers at ${served.join(', ') || 'the native routes of its API'} alone; other routes get 400`,
        adviceForProvider(deployment.provider) ?? null,
      );
    }
    if (!deployment.price && !modelName.includes('*'))
      remark(
        'model_info',
        'no price is known: calls are refused wherever a budget applies',
        'model_info.base_model, or input_cost_per_token and output_cost_per_token',
      );
  }
  const isRouted = !isMocked && !isByName && !('problem' in route);
  if (isRouted && route.keyVariable === 'OPENAI_API_KEY' && !isHostOfOpenAi(route.base))
    remark(
      'litellm_params.api_key',
      `OPENAI_API_KEY is sent to ${new URL(route.base).host}`,
      'api_key, if that server has a key of its own',
    );
  return {
    at,
    model_name: modelName,
    result: remarks.length ? 'works_with_remarks' : 'works',
    provider: isByName ? null : deployment.provider,
    upstream_name: deployment.upstreamName,
    address: isRouted ? route.base : null,
    key_from: keySource(litellmParams, isRouted ? route.keyVariable : undefined),
    price: priceOf(deployment),
    remarks,
  };
}

function priceOf(deployment: Deployment): DeploymentReport['price'] {
  if (!deployment.price) return null;
  const { members, sources } = pricesOf(deployment);
  return { figures: members, sources };
}

const noEffect = (path: string): Remark => ({
  at: path,
  message: 'has no effect',
  instead: adviceFor(path) ?? null,
});

function keySource(
  { api_key, extra_headers = {} }: ModelConfig['litellmParams'],
  keyVariable: string | undefined,
): string | null {
  if (api_key !== undefined) return 'api_key';
  const isInHeader = Object.keys(extra_headers).some((name) =>
    /^(?:authorization|x-api-key|api-key)$/i.test(name),
  );
  return keyVariable ?? (isInHeader ? 'extra_headers' : null);
}

/** Returns one row for each setting of the file, and one for each part of it without effect. */
function settingsOf({ file, report }: ReadSettings, problems: readonly string[]): SettingReport[] {
  const paths = file
    .keys()
    .filter((key) => key !== 'model_list')
    .flatMap((key) =>
      report.ignored.includes(key) ? [key] : (file.keysAt(key)?.map((child) => `${key}.${child}`) ?? [key]),
    );
  const ignored = report.ignored.filter((path) => !path.startsWith('model_list['));
  const isOrHolds = (path: string, part: string) =>
    part === path || part.startsWith(`${path}.`) || part.startsWith(`${path}[`);
  return paths.flatMap((path) => {
    const isStopped = problems
      .map((problem) => problem.split(': ', 1)[0]!)
      .some((part) => isOrHolds(path, part) || isOrHolds(part, path));
    if (isStopped) return [];
    const withoutEffect = ignored.filter((part) => isOrHolds(path, part));
    if (withoutEffect.includes(path)) return [{ ...noEffect(path), result: 'no_effect' as const }];
    return [
      { at: path, message: 'works', instead: null, result: 'works' as const },
      ...withoutEffect.map((part) => ({ ...noEffect(part), result: 'no_effect' as const })),
    ];
  });
}
