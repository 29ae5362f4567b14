import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Budget } from '../parties/entities/budget.entity.js';
import { NewBudgetDto } from '../budgets/budgets.dto.js';
import { BudgetsService } from '../budgets/budgets.service.js';
import { withTier } from '../parties/with-tier.js';
import { type CacheKey, cacheKey } from '../cache/change-epochs.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { EndUser } from '../parties/entities/end-user.entity.js';
import { NewEndUserDto } from '../end-users/end-users.dto.js';
import { EndUsersService } from '../end-users/end-users.service.js';
import { KeyFieldsDto } from '../keys/keys.dto.js';
import { KeysService, cacheKeysOf } from '../keys/keys.service.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { StoredDeployment } from '../models/stored-deployment.entity.js';
import { NewModelDto } from '../models/models.dto.js';
import { ModelsService } from '../models/models.service.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import { OrganizationMemberDto } from '../organizations/organization-members.dto.js';
import { OrganizationMembersService } from '../organizations/organization-members.service.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { NewOrganizationDto } from '../organizations/organizations.dto.js';
import { OrganizationsService } from '../organizations/organizations.service.js';
import { isDeprovisioned } from '../parties/deprovisioned.js';
import type { Limits } from '../parties/limits-row.js';
import type { PartyRow } from '../parties/party-row.js';
import { toUsd } from '../parties/usd.js';
import type { PartyKind } from '../policy/facts.js';
import { keyHint } from '../platform/secrets.js';
import { type Opening, PartySpend } from '../parties/party-spend.js';
import { proxySpender } from '../reporting/spend-reset.service.js';
import { Tag } from '../parties/entities/tag.entity.js';
import { TagDto } from '../tags/tags.dto.js';
import { TagsService } from '../tags/tags.service.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { type TeamMemberDefaults, teamMemberDefaults } from '../teams/team-member-defaults.js';
import { Team } from '../parties/entities/team.entity.js';
import { MemberDto, NewTeamDto } from '../teams/teams.dto.js';
import { TeamMembersService } from '../teams/team-members.service.js';
import { TeamsService } from '../teams/teams.service.js';
import { User } from '../parties/entities/user.entity.js';
import { NewUserDto } from '../users/users.dto.js';
import { USER_ROLES } from '../policy/principal.js';
import { UsersService } from '../users/users.service.js';
import { bodyOf, isMapping, type ImportWarnings, spentIn } from './admin-body.js';
import type { LitellmDatabase, LitellmRow } from './litellm-database.js';
import { decryptText } from './provider-secrets.js';
import { IMPORTER, openingOf, restoreAuthorship, restoreWindow } from './restore-row.js';
import { SkippedRowError } from './skipped-row.error.js';

/** One of LiteLLM's tables, and how a row of it is taken. */
export interface TableImporter {
  readonly table: string;
  readonly query: string;
  readonly idOf: (row: LitellmRow) => string;
  /** Inside a transaction: makes what the row describes and says what that changes. Rejects with what is wrong with the row. */
  readonly take: (
    tx: EntityManager,
    row: LitellmRow,
    remarks: ImportWarnings,
  ) => Promise<CacheKey[] | 'there'>;
  /** Hears of a row that was left. */
  readonly left?: (row: LitellmRow) => void;
}

/** The user on whom LiteLLM counts what the proxy as a whole spent. */
const PROXY_USER = 'litellm-proxy-budget';

const SHA256 = /^[0-9a-f]{64}$/;

/** LiteLLM's tables in the order in which their rows need each other. What a request could have made is made as by that request. */
@Injectable()
export class TableImporters {
  constructor(
    private readonly budgets: BudgetsService,
    private readonly organizations: OrganizationsService,
    private readonly organizationMembers: OrganizationMembersService,
    private readonly users: UsersService,
    private readonly teams: TeamsService,
    private readonly teamMembers: TeamMembersService,
    private readonly endUsers: EndUsersService,
    private readonly tags: TagsService,
    private readonly keys: KeysService,
    private readonly models: ModelsService,
    private readonly spend: PartySpend,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'saltKey' | 'masterKey' | 'litellm'>,
  ) {}

  of(litellm: LitellmDatabase): TableImporter[] {
    const leftUsers = new Set<string>();
    const requireUser = (userId: unknown) => {
      // Made anew it would have none of its limits.
      if (leftUsers.has(userId as string)) throw new SkippedRowError(`its user ${userId as string} was left`);
    };
    const leftMembers = new Set<string>();
    const pairOf = ({ team_id, user_id }: LitellmRow) => JSON.stringify([team_id, user_id]);
    const sources: TableImporter[] = [
      source('LiteLLM_BudgetTable', 'budget_id', this.tier),
      source('LiteLLM_OrganizationTable', 'organization_id', this.organization),
      {
        ...source('LiteLLM_UserTable', 'user_id', this.user),
        left: ({ user_id }) => void leftUsers.add(user_id as string),
      },
      {
        table: 'LiteLLM_OrganizationMembership',
        query: 'SELECT * FROM "LiteLLM_OrganizationMembership" ORDER BY organization_id, user_id',
        idOf: ({ organization_id, user_id }) => `${organization_id as string}/${user_id as string}`,
        take: (tx, row, remarks) => {
          requireUser(row.user_id);
          return this.organizationMember(tx, row, remarks);
        },
      },
      { ...source('LiteLLM_TeamTable', 'team_id', this.team), query: TEAMS },
      {
        table: 'LiteLLM_TeamMembership',
        query: MEMBERS,
        idOf: ({ team_id, user_id, user_email }) =>
          `${team_id as string}/${(user_id ?? user_email) as string}`,
        take: (tx, row, remarks) => {
          requireUser(row.user_id);
          return this.member(tx, row, remarks);
        },
        left: (row) => void leftMembers.add(pairOf(row)),
      },
      source('LiteLLM_EndUserTable', 'user_id', this.endUser),
      source('LiteLLM_TagTable', 'tag_name', this.tag),
      {
        ...source('LiteLLM_VerificationToken', 'token', (tx, row, remarks) => {
          requireUser(row.user_id);
          if (leftMembers.has(pairOf(row)))
            throw new SkippedRowError(`the membership of its user in team ${row.team_id as string} was left`);
          return this.key(tx, row, remarks);
        }),
        // What is no hash may be a secret.
        idOf: ({ token }) => (SHA256.test(token as string) ? (token as string) : keyHint(token as string)),
        ...(litellm.has('LiteLLM_DeprecatedVerificationToken') && { query: KEYS_WITH_FORMER_SECRETS }),
      },
      source('LiteLLM_ProxyModelTable', 'model_id', this.model),
    ];
    return litellm.has('LiteLLM_ObjectPermissionTable') ? sources.map(withPermission) : sources;
  }

  private readonly tier: TableImporter['take'] = async (tx, row, remarks) => {
    const budgetId = row.budget_id as string;
    if (await tx.existsBy(Budget, { budgetId })) return 'there';
    const { allowed_models, ...limits } = row;
    const tier = await this.budgets.make(tx, await bodyOf(NewBudgetDto, limits, remarks), IMPORTER);
    tier.allowedModels = allowed_models as string[] | null;
    this.restoreLimits(tier, row, remarks);
    await tx.save(Budget, tier);
    return [cacheKey.budget(budgetId)];
  };

  private readonly organization: TableImporter['take'] = async (tx, row, remarks) => {
    const organizationId = row.organization_id as string;
    if (await tx.existsBy(Organization, { organizationId })) return 'there';
    const dto = await bodyOf(NewOrganizationDto, row, remarks);
    const made = await this.organizations.make(tx, organizationId, dto, IMPORTER);
    await this.settle(tx, 'organization', Organization, made, organizationId, row, remarks);
    return [cacheKey.organization(organizationId)];
  };

  private readonly user: TableImporter['take'] = async (tx, row, remarks) => {
    const userId = row.user_id as string;
    if (await tx.existsBy(User, { userId })) return 'there';
    const { team_id: _, organization_id: __, password: ___, user_role, ...fields } = row;
    const isKnown = user_role === null || (USER_ROLES as readonly unknown[]).includes(user_role);
    if (!isKnown) remarks.changed(`user_role: internal_user instead of ${user_role as string}`);
    const blocked = isDeprovisioned(row as Pick<User, 'metadata'>);
    if (blocked) remarks.changed('metadata.scim_active: false, so the user is blocked');
    const sent = { ...fields, user_role: isKnown ? user_role : null, ...(blocked && { blocked }) };
    const dto = await bodyOf(NewUserDto, sent, remarks);
    const made = await this.users.make(tx, userId, dto, IMPORTER);
    await this.settle(tx, 'user', User, made, userId, row, remarks);
    if (userId === PROXY_USER) {
      const proxy = proxySpender(this.config);
      const limits = { ...proxy.row, budgetSince: made.budgetSince };
      await this.spend.open(tx, proxy, this.opening(limits, made, row, remarks));
    }
    return [cacheKey.user(userId)];
  };

  private async organizationMember(tx: EntityManager, row: LitellmRow, remarks: ImportWarnings) {
    const [organizationId, userId] = [row.organization_id as string, row.user_id as string];
    if (await tx.existsBy(OrganizationMember, { organizationId, userId })) return 'there';
    const named = { user_id: userId, role: row.user_role ?? 'internal_user' };
    const { role } = await bodyOf(OrganizationMemberDto, named, remarks);
    if (row.budget_id !== null)
      remarks.changed('budget_id: a budget inside an organization is not enforced here');
    await this.organizationMembers.enlist(tx, organizationId, userId, role, IMPORTER);
    return [cacheKey.organization(organizationId), cacheKey.user(userId)];
  }

  private readonly team: TableImporter['take'] = async (tx, row, remarks) => {
    const teamId = row.team_id as string;
    if (await tx.existsBy(Team, { teamId })) return 'there';
    const { team_member_budget_id: memberTierId, ...metadata } = mappingIn('metadata', row.metadata ?? {});
    if (memberTierId && typeof memberTierId !== 'string')
      throw new SkippedRowError('metadata.team_member_budget_id: is no text');
    const memberTier = await this.tierOf(tx, memberTierId as string | undefined);
    const dto = await bodyOf(NewTeamDto, { ...row, metadata, ...memberDefaults(memberTier) }, remarks);
    const made = await this.teams.make(tx, teamId, dto, IMPORTER);
    if (memberTier?.budgetDuration) {
      const window: TeamMemberDefaults = {
        team_member_budget_anchor: memberTier.budgetAnchor!.getTime(),
        team_member_budget_since: memberTier.budgetSince!.getTime(),
      };
      made.extra = { ...made.extra, ...window };
    }
    await this.settle(tx, 'team', Team, made, teamId, row, remarks);
    return [cacheKey.team(teamId)];
  };

  private async member(tx: EntityManager, row: LitellmRow, remarks: ImportWarnings) {
    const teamId = row.team_id as string;
    const { user_id, user_email, role, budget_id } = row;
    const dto = await bodyOf(MemberDto, { role, ...(user_id ? { user_id } : { user_email }) }, remarks);
    if (user_id && (await tx.existsBy(Member, { teamId, userId: user_id as string }))) return 'there';
    const member = await this.teamMembers.enlist(tx, teamId, dto, IMPORTER);
    if (!member) return 'there';
    const { userId } = member;
    const team = await tx.findOneByOrFail(Team, { teamId });
    const tier = await this.tierOf(tx, budget_id as string | undefined);
    member.budgetId = tier?.budgetId ?? null;
    member.models = tier?.allowedModels?.length ? tier.allowedModels : null;
    await tx.save(Member, member);
    const limits = withTier(member, tier ?? teamMemberDefaults(team));
    const opening = this.opening(limits, member, row, remarks);
    const publicId = JSON.stringify([teamId, userId]);
    await this.spend.open(tx, { kind: 'member', row: member, publicId, entity: Member }, opening);
    return [cacheKey.team(teamId), cacheKey.membership(teamId, userId), cacheKey.user(userId)];
  }

  private readonly endUser: TableImporter['take'] = async (tx, row, remarks) => {
    const userId = row.user_id as string;
    if (await tx.existsBy(EndUser, { userId })) return 'there';
    const made = await this.endUsers.make(tx, await bodyOf(NewEndUserDto, row, remarks), IMPORTER);
    await this.settle(tx, 'end_user', EndUser, made, userId, row, remarks);
    return [cacheKey.endUser(userId)];
  };

  private readonly tag: TableImporter['take'] = async (tx, row, remarks) => {
    const { tag_name: name, ...fields } = row;
    if (await tx.existsBy(Tag, { name: name as string })) return 'there';
    const made = await this.tags.make(tx, await bodyOf(TagDto, { ...fields, name }, remarks), IMPORTER);
    await this.settle(tx, 'tag', Tag, made, made.name, row, remarks);
    return [cacheKey.tag(made.name)];
  };

  private async key(tx: EntityManager, row: LitellmRow, remarks: ImportWarnings) {
    const hash = row.token as string;
    if (await tx.existsBy(VirtualKey, { secretHash: hash })) return 'there';
    if (!SHA256.test(hash))
      throw new SkippedRowError('token: is no SHA-256 in hex, so no key can be proven by it');
    if (row.project_id) throw new SkippedRowError('project_id: there are no projects here to limit it');
    const dto = await bodyOf(KeyFieldsDto, row, remarks);
    const hint = (row.key_name as string | null) ?? 'sk-...';
    const adopted = await this.keys.adopt(tx, { hash, hint }, dto, IMPORTER);
    const { row: made } = adopted;
    made.expiresAt = row.expires as Date | null;
    made.rotationCount = (row.rotation_count as number | null) ?? 0;
    made.lastRotatedAt = (row.last_rotation_at as Date | null) ?? null;
    if (row.former_token && (row.former_ends_at as Date) > this.clock()) {
      const former = row.former_token as string;
      const why = await this.whyNotFormer(tx, former, row);
      if (why) remarks.changed(`the secret before: ${why}, so it is not taken`);
      else {
        made.formerSecretHash = former;
        made.formerEndsAt = row.former_ends_at as Date;
      }
    }
    await this.settle(tx, 'key', VirtualKey, made, hash, row, remarks);
    return cacheKeysOf(adopted);
  }

  /** A key whose hash is also a former secret's would be let in as the other key: its own block, budget and rights were gone. */
  private async whyNotFormer(tx: EntityManager, hash: string, row: LitellmRow): Promise<string | undefined> {
    if (!SHA256.test(hash)) return 'is no SHA-256 in hex';
    const isTaken =
      row.former_is_key === true ||
      (await tx.existsBy(VirtualKey, [{ secretHash: hash }, { formerSecretHash: hash }]));
    return isTaken ? 'is a key of its own' : undefined;
  }

  private readonly model: TableImporter['take'] = async (tx, row, remarks) => {
    const modelId = row.model_id as string;
    if (await tx.existsBy(StoredDeployment, { modelId })) return 'there';
    const info = mappingIn('model_info', row.model_info ?? {});
    if (row.blocked) throw new SkippedRowError('blocked: a model here is there, or it is not');
    if (info.team_id)
      throw new SkippedRowError('model_info.team_id: a model of one team would be everybody’s here');
    const params = Object.entries(mappingIn('litellm_params', row.litellm_params)).filter(
      ([, value]) => value !== null,
    );
    const litellm_params = Object.fromEntries(
      params.map(([name, value]) => [name, this.opened(name, value)]),
    );
    if (litellm_params.litellm_credential_name)
      throw new SkippedRowError(
        'litellm_params.litellm_credential_name: credentials stand in the model itself here',
      );
    const described = { model_name: row.model_name, litellm_params, model_info: { ...info, id: modelId } };
    const made = await this.models.make(tx, await bodyOf(NewModelDto, described, remarks), IMPORTER);
    restoreAuthorship(made, row);
    await tx.save(StoredDeployment, made);
    return [cacheKey.models];
  };

  private opened(name: string, value: unknown): unknown {
    if (typeof value !== 'string') return value;
    try {
      return decryptText(value, [this.config.saltKey, this.config.masterKey]);
    } catch (error) {
      throw new SkippedRowError(`litellm_params.${name}: ${(error as Error).message}`);
    }
  }

  /** A new row becomes what it was: who wrote it, where its windows stand, what was spent. */
  private async settle<T extends PartyRow>(
    tx: EntityManager,
    kind: PartyKind,
    entity: new () => T,
    row: T,
    publicId: string,
    before: LitellmRow,
    remarks: ImportWarnings,
  ): Promise<void> {
    this.restoreLimits(row, before, remarks);
    await tx.save(entity, row);
    const tierId = row.budgetId ?? (kind === 'end_user' ? this.config.litellm.maxEndUserBudgetId : undefined);
    const limits = withTier<PartyRow>(row, await this.tierOf(tx, tierId));
    const opening = this.opening(limits, row, before, remarks);
    await this.spend.open(tx, { kind, row, publicId, entity }, opening);
  }

  private restoreLimits(row: Budget | PartyRow, before: LitellmRow, remarks: ImportWarnings): void {
    restoreAuthorship(row, before);
    restoreWindow(row, before, this.restoring(), remarks);
  }

  private opening(
    limits: Readonly<Limits>,
    { createdAt }: { readonly createdAt: Date },
    before: LitellmRow,
    remarks: ImportWarnings,
  ): Opening {
    return openingOf(limits, { spentNanoUsd: spentIn(before, remarks), createdAt }, this.restoring());
  }

  private restoring() {
    return { timeZone: this.config.litellm.timezone, now: this.clock() };
  }

  private async tierOf(tx: EntityManager, budgetId: string | null | undefined): Promise<Budget | null> {
    if (!budgetId) return null;
    const tier = await tx.findOneBy(Budget, { budgetId });
    if (!tier) throw new SkippedRowError(`its budget ${budgetId} was left, or is not there`);
    return tier;
  }
}

/** A column of JSON that must hold a mapping. */
function mappingIn(column: string, value: unknown): Record<string, unknown> {
  if (!isMapping(value)) throw new SkippedRowError(`${column}: is no mapping`);
  return value;
}

const source = (table: string, key: string, take: TableImporter['take']): TableImporter => ({
  table,
  query: `SELECT * FROM "${table}" ORDER BY "${key}"`,
  idOf: (row) => row[key] as string,
  take,
});

const MAY_HAVE_PERMISSION = new Set([
  'LiteLLM_OrganizationTable',
  'LiteLLM_UserTable',
  'LiteLLM_TeamTable',
  'LiteLLM_EndUserTable',
  'LiteLLM_VerificationToken',
]);

/** The same rows with what their `object_permission_id` stands for: it may limit. */
const withPermission = (source: TableImporter): TableImporter =>
  MAY_HAVE_PERMISSION.has(source.table)
    ? {
        ...source,
        query: `SELECT r.*, (
          SELECT to_jsonb(p) - 'object_permission_id' FROM "LiteLLM_ObjectPermissionTable" p
          WHERE p.object_permission_id = r.object_permission_id
        ) AS object_permission FROM (${source.query}) r`,
      }
    : source;

/** What a team says of its members, which LiteLLM keeps in a budget of its own. */
const memberDefaults = (tier: Budget | null) =>
  tier && {
    team_member_budget: toUsd(tier.maxBudgetNanoUsd),
    team_member_budget_duration: tier.budgetDuration,
    team_member_rpm_limit: tier.rpmLimit,
    team_member_tpm_limit: tier.tpmLimit,
  };

const TEAMS = `SELECT t.*, a.aliases AS model_aliases
  FROM "LiteLLM_TeamTable" t LEFT JOIN "LiteLLM_ModelTable" a ON a.id = t.model_id ORDER BY t.team_id`;

/** LiteLLM says in five places who is in a team; what a member spent, in one of them. */
const MEMBERS = `SELECT r.*, coalesce(m.spend, 0) AS spend, m.budget_id FROM (
    SELECT team_id, user_id, max(user_email) AS user_email, CASE WHEN bool_or(is_admin) THEN 'admin' ELSE 'user' END AS role
    FROM (
      SELECT team_id, one->>'user_id' AS user_id, one->>'user_email' AS user_email, coalesce(one->>'role' = 'admin', false) AS is_admin
      FROM "LiteLLM_TeamTable",
        jsonb_array_elements(CASE jsonb_typeof(members_with_roles) WHEN 'array' THEN members_with_roles ELSE '[]' END) AS one
      UNION ALL SELECT team_id, unnest(admins), NULL, true FROM "LiteLLM_TeamTable"
      UNION ALL SELECT team_id, unnest(members), NULL, false FROM "LiteLLM_TeamTable"
      UNION ALL SELECT unnest(teams), user_id, NULL, false FROM "LiteLLM_UserTable"
      UNION ALL SELECT team_id, user_id, NULL, false FROM "LiteLLM_TeamMembership"
    ) named GROUP BY team_id, user_id, CASE WHEN user_id IS NULL THEN user_email END
  ) r LEFT JOIN "LiteLLM_TeamMembership" m ON m.team_id = r.team_id AND m.user_id = r.user_id
  ORDER BY r.team_id, r.user_id, r.user_email`;

/** With the secret before that still works the longest. */
const KEYS_WITH_FORMER_SECRETS = `SELECT k.*, f.token AS former_token, f.revoke_at AS former_ends_at, f.is_key AS former_is_key
  FROM "LiteLLM_VerificationToken" k LEFT JOIN LATERAL (
    SELECT d.token, d.revoke_at, EXISTS (SELECT FROM "LiteLLM_VerificationToken" o WHERE o.token = d.token) AS is_key
    FROM "LiteLLM_DeprecatedVerificationToken" d
    WHERE d.active_token_id = k.token ORDER BY is_key, d.revoke_at DESC LIMIT 1
  ) f ON true ORDER BY k.token`;
