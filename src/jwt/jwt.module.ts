import { Module } from '@nestjs/common';
import { TeamsModule } from '../teams/teams.module.js';
import { UsersModule } from '../users/users.module.js';
import { IdentityResolver } from './identity-resolver.js';
import { TokenVerifier } from './token-verifier.js';

/** Who somebody is by the word of an issuer. */
@Module({
  imports: [TeamsModule, UsersModule],
  providers: [TokenVerifier, IdentityResolver],
  exports: [TokenVerifier, IdentityResolver],
})
export class JwtModule {}
