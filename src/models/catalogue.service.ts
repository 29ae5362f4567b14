import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { cacheKey } from '../cache/change-epochs.js';
import { CloudCredentials } from '../clouds/cloud-credentials.js';
import { Revisions } from '../cache/revisions.js';
import { isOfHost, namesAddress } from '../config/cloud-routes.js';
import { CONFIG, type Config, type LitellmParams } from '../config/config.js';
import type { ProviderVariables } from '../config/providers.js';
import { Database } from '../database/database.js';
import type { GroupLevels } from '../policy/group-levels.js';
import { CatalogueSnapshot } from './catalogue.js';
import { danglingNames, differingNames } from './catalogue-remarks.js';
import {
  type CredentialSourceFor,
  type Deployment,
  type DeploymentSource,
  makeDeployment,
} from './deployment.js';
import { StoredDeployment } from './stored-deployment.entity.js';
import { decryptedParams } from './stored-params.js';
import { StoredDeploymentRepository } from './stored-deployment.repository.js';
import { StoredSettingRepository } from './stored-setting.repository.js';
import { costTermsOf, termsOfDeployment } from './terms-of-deployment.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';

/** The most names of one line at the start. */
const MAX_NAMES = 20;

/** The models that can be called: those of the configuration and those added at runtime. */
@Injectable()
export class Catalogue implements OnModuleInit {
  private readonly logger = new Logger(Catalogue.name);
  private snapshot = new CatalogueSnapshot([], {});
  private reads = 0;
  private currentRead = 0;
  private readonly credentialFor: CredentialSourceFor = (identity, deployment) =>
    this.credentials.sourceFor(identity, deployment);
  /** The same for a deployment that may use no identity of this host. */
  private readonly ownCredentialFor: CredentialSourceFor = (identity, deployment) =>
    isOfHost(identity) ? undefined : this.credentials.sourceFor(identity, deployment);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly revisions: Revisions,
    private readonly storedDeployments: StoredDeploymentRepository,
    private readonly accessGroups: AccessGroupRepository,
    private readonly credentials: CloudCredentials,
    private readonly settings: StoredSettingRepository,
  ) {}

  async onModuleInit(): Promise<void> {
    this.revisions.onChange(async (keys) => {
      if (keys.includes(cacheKey.models)) await this.refresh();
    });
    await this.refresh();
    const unpriced = this.snapshot.unpriced();
    if (unpriced.length) {
      this.logger.warn(`No price is known for ${unpriced.join(', ')}: refused wherever a budget applies.`);
    }
    const differing = differingNames(this.snapshot);
    if (differing.length) {
      const more = differing.length - MAX_NAMES;
      this.logger.warn(
        `Two sources of prices differ by more than 1 % for ${differing.slice(0, MAX_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}: \`tollgate prices\` says which counts.`,
      );
    }
    if (this.snapshot.isEmpty) this.logger.warn('No models are configured: every call will be refused.');
    const dangling = danglingNames(this.snapshot, this.config);
    if (dangling.length) {
      this.logger.warn(`Aliases or fallbacks lead to models nobody serves: ${dangling.join(', ')}.`);
    }
  }

  /** Returns the current snapshot. Callers must not store it; they call this for every request. */
  current(): CatalogueSnapshot {
    return this.snapshot;
  }

  /** Reads the stored deployments, the access groups, discounts, margins and prices again. Leaves out and logs a deployment that cannot be used. */
  async refresh(): Promise<void> {
    const turn = ++this.reads;
    const { rows, groups, settings } = await this.database.read(async (manager) => ({
      rows: await this.storedDeployments.in(manager).find({ order: { createdAt: 'ASC', modelId: 'ASC' } }),
      groups: await this.accessGroups.in(manager).find(),
      settings: await this.settings.in(manager).find(),
    }));
    const deployments = [
      ...this.config.models.map((model, i) => this.deploymentOf(model, `model_list[${i}]`)),
      ...rows.filter(({ modelInfo }) => !modelInfo?.blocked).map((row) => this.storedDeployment(row)),
    ];
    // A later read has newer rows, so an older result is dropped.
    if (turn < this.currentRead) return;
    this.currentRead = turn;
    this.credentials.retain(
      new Set(deployments.flatMap((deployment) => (deployment?.credential ? [deployment.credential] : []))),
    );
    this.snapshot = new CatalogueSnapshot(
      deployments.filter((deployment) => deployment !== undefined),
      { ...this.config.router.modelAliases, ...this.config.litellm.modelAliases },
      groups.map(({ id, name, models, deploymentIds }) => ({ tokens: [name, id], models, deploymentIds })),
      new Set(this.config.router.hiddenAliases),
      termsOfDeployment(costTermsOf(this.config.litellm, settings)),
    );
  }

  /** Returns the deployments of a name in a random order by weight. */
  pick(name: string, within?: GroupLevels): Deployment[] {
    const waiting = [...this.snapshot.resolve(name, within)];
    const order: Deployment[] = [];
    while (waiting.length > 1) {
      let lot = Math.random() * waiting.reduce((sum, { weight }) => sum + weight, 0);
      const drawn = waiting.findIndex(({ weight }) => (lot -= weight) < 0);
      order.push(...waiting.splice(Math.max(drawn, 0), 1));
    }
    return [...order, ...waiting];
  }

  private deploymentOf(source: DeploymentSource, where: string): Deployment | undefined {
    const isOnItsOwn = mayUseNothingOfHost(source);
    const deployment = makeDeployment(
      source,
      this.config.router.timeoutMs ?? this.config.litellm.requestTimeoutMs,
      isOnItsOwn ? NO_VARIABLES : this.config.providerVariables,
      isOnItsOwn ? this.ownCredentialFor : this.credentialFor,
    );
    if (!('problem' in deployment)) return deployment;
    this.logger.error(`${where} cannot be called and is left out: ${deployment.problem}`);
    return undefined;
  }

  private storedDeployment(row: StoredDeployment): Deployment | undefined {
    const { modelId, modelName, modelInfo } = row;
    try {
      const litellmParams = decryptedParams(row, this.config.saltKey) as unknown as LitellmParams;
      return this.deploymentOf(
        { modelName, litellmParams, modelInfo: { ...modelInfo, id: modelId } },
        modelId,
      );
    } catch (error) {
      this.logger.error(`The stored model ${modelId} cannot be used: ${(error as Error).message}`);
      return undefined;
    }
  }
}

/**
 * Tells whether a deployment may use neither keys nor identities of this process: an address that arrived by the API gets
 * none of them. Such a deployment names its credential beside its address.
 */
function mayUseNothingOfHost({ litellmParams, modelInfo }: DeploymentSource): boolean {
  return modelInfo.db_model === true && namesAddress(litellmParams);
}

const NO_VARIABLES: ProviderVariables = {};
