import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BudgetsModule } from '../budgets/budgets.module.js';
import { EndUsersModule } from '../end-users/end-users.module.js';
import { JwtModule } from '../jwt/jwt.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { ModelsModule } from '../models/models.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { CalledNameCount } from '../parties/entities/called-name-count.entity.js';
import { CalledNameCountRepository } from '../parties/repositories/called-name-count.repository.js';
import { TeamsModule } from '../teams/teams.module.js';
import { TagsModule } from '../tags/tags.module.js';
import { TokenCounter } from '../tokenizer/token-counter.js';
import { UsersModule } from '../users/users.module.js';
import { AccessRequestReader } from './access-request.reader.js';
import { AuthChecksGuard } from './auth-checks.guard.js';
import { PrincipalLoader } from './principal.loader.js';
import { DecisionLog } from './decision-log.js';
import { EvaluationController } from './evaluation.controller.js';
import { CalledNameQuota } from './called-name-quota.js';
import { CalledNames } from './called-names.js';
import { CachedCallerRows } from './callers/cached-caller-rows.js';
import { CallAuthorizer } from './call-authorizer.js';
import { KnownEndUsers } from './callers/known-end-users.js';
import { CallerCache } from './callers/caller-cache.js';
import { CallerReader } from './callers/caller-reader.js';
import { EvaluationFactsLoader } from './evaluation-facts.loader.js';
import { FactsLoader } from './facts.loader.js';
import { RouteGuardCheck } from './route-guard-check.js';
import { LlmRequestReader } from './llm-request.reader.js';
import { ModelAccessGuard } from './model-access.guard.js';
import { RequestFactsLoader } from './request-facts.loader.js';
import { BillingContexts } from './callers/billing-contexts.js';
import { TokenCallers } from './callers/token-callers.js';
import { WriteAuthorizer } from './write-authorizer.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { Team } from '../parties/entities/team.entity.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import { PartiesModule } from '../parties/parties.module.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { OrganizationMemberRepository } from '../parties/repositories/organization-member.repository.js';
import { CallerRowsReader } from './callers/caller-rows.js';

/** Authenticates callers, decides about their requests and enforces the decision, on every route of the application. */
@Module({
  imports: [
    TypeOrmModule.forFeature([
      VirtualKey,
      User,
      Team,
      Member,
      Organization,
      OrganizationMember,
      CalledNameCount,
    ]),
    PartiesModule,
    CacheModule,
    LedgerModule,
    RateLimitsModule,
    MetricsModule,
    DiscoveryModule,
    KeysModule,
    UsersModule,
    TeamsModule,
    OrganizationsModule,
    EndUsersModule,
    TagsModule,
    BudgetsModule,
    ModelsModule,
    JwtModule,
  ],
  controllers: [EvaluationController],
  providers: [
    KeyRepository,
    UserRepository,
    TeamRepository,
    MemberRepository,
    OrganizationRepository,
    OrganizationMemberRepository,
    CalledNameCountRepository,
    CallerRowsReader,
    CachedCallerRows,
    CallerReader,
    CallerCache,
    KnownEndUsers,
    TokenCallers,
    CalledNames,
    CalledNameQuota,
    BillingContexts,
    RequestFactsLoader,
    FactsLoader,
    EvaluationFactsLoader,
    AccessRequestReader,
    CallAuthorizer,
    PrincipalLoader,
    TokenCounter,
    LlmRequestReader,
    DecisionLog,
    WriteAuthorizer,
    AuthChecksGuard,
    ModelAccessGuard,
    RouteGuardCheck,
    { provide: APP_GUARD, useExisting: AuthChecksGuard },
  ],
  exports: [
    AccessRequestReader,
    CallAuthorizer,
    CalledNames,
    RequestFactsLoader,
    FactsLoader,
    BillingContexts,
    PrincipalLoader,
    LlmRequestReader,
    DecisionLog,
    WriteAuthorizer,
    AuthChecksGuard,
    ModelAccessGuard,
  ],
})
export class AccessModule {}
