import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { KeyIssuer } from './key-issuer.js';
import { KeyDelegation } from './key-delegation.js';
import { KeyLists } from './key-lists.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';
import { SpendKeysController } from './spend-keys.controller.js';
import { Team } from '../parties/entities/team.entity.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { Budget } from '../parties/entities/budget.entity.js';
import { AccessGroup } from '../parties/entities/access-group.entity.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';
import { KeyReferences } from './key-references.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([VirtualKey, User, Team, Member, Organization, Budget, AccessGroup]),
    PartiesModule,
    DelegationModule,
  ],
  controllers: [KeysController, SpendKeysController],
  providers: [
    KeyRepository,
    UserRepository,
    TeamRepository,
    MemberRepository,
    OrganizationRepository,
    BudgetRepository,
    AccessGroupRepository,
    KeysService,
    KeyIssuer,
    KeyLists,
    KeyDelegation,
    KeyReferences,
  ],
  exports: [KeysService, KeyIssuer],
})
export class KeysModule {}
