import { Module } from '@nestjs/common';
import { TeamsModule } from '../teams/teams.module.js';
import { UsersModule } from '../users/users.module.js';
import { TokenOwners } from './token-owners.js';
import { Tokens } from './tokens.js';

/** Who somebody is by the word of an issuer. */
@Module({
  imports: [TeamsModule, UsersModule],
  providers: [Tokens, TokenOwners],
  exports: [Tokens, TokenOwners],
})
export class JwtModule {}
