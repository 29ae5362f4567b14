import { Module } from '@nestjs/common';
import { TeamsModule } from '../teams/teams.module.js';
import { UsersModule } from '../users/users.module.js';
import { IdentityResolver } from './identity-resolver.js';
import { TokenVerifier } from './token-verifier.js';
import { TypeOrmModule } from '@nestjs/typeorm';
import { User } from '../parties/entities/user.entity.js';
import { Team } from '../parties/entities/team.entity.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { PartiesModule } from '../parties/parties.module.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';

/** Verifies tokens (JWT) and finds the parties that they name. */
@Module({
  imports: [TypeOrmModule.forFeature([User, Team, Organization]), PartiesModule, TeamsModule, UsersModule],
  providers: [UserRepository, TeamRepository, OrganizationRepository, TokenVerifier, IdentityResolver],
  exports: [TokenVerifier, IdentityResolver],
})
export class JwtModule {}
