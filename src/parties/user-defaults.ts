import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { applyLimits } from './apply-limits.js';
import type { User } from './entities/user.entity.js';

/** Defaults of a new user. LiteLLM `default_internal_user_params`, `max_internal_user_budget`. */
@Injectable()
export class UserDefaults {
  constructor(
    @Inject(CONFIG) private readonly config: { readonly litellm: Pick<Config['litellm'], 'newUsers'> },
  ) {}

  /** Teams that every user may join without an admin: LiteLLM `available_teams`. */
  get availableTeams(): readonly string[] {
    return this.config.litellm.newUsers.available_teams ?? [];
  }

  readonly apply = (user: User, now: Date): void => {
    const {
      user_role = 'internal_user',
      models,
      available_teams: _,
      ...limits
    } = this.config.litellm.newUsers;
    user.userRole = user_role;
    if (models) user.models = [...models];
    applyLimits(user, limits, now);
  };
}
